(() => {
'use strict';

const DATA = window.HVSA_DATA;
const numbers = (() => {
  const bytes = Uint8Array.from(atob(DATA.numbers), c => c.charCodeAt(0));
  return Float32Array.from(new Uint16Array(bytes.buffer), half);
})();
const W = Object.fromEntries(Object.entries(DATA.arrays).map(([name, [start, ...shape]]) =>
  [name, numbers.subarray(start, start + shape.reduce((a, b) => a*b))]));  // arrays by name

function half(bits) {                           // a float16: sign, 5 bits of exponent, 10 of digits
  const sign = bits >> 15 ? -1 : 1, exponent = bits >> 10 & 31, digits = bits & 1023;
  return sign*(exponent ? 2**(exponent - 25)*(1024 + digits) : 2**-24*digits);
}

const ids = new Map(DATA.words.map((word, k) => [word, k + 1]));        // 0 pads
const sigmoid = x => 1/(1 + Math.exp(-x));

function times(matrix, x, start) {              // matrix x + start, row by row
  const y = new Float64Array(matrix.length/x.length);
  for (let row = 0, k = 0; row < y.length; row++) {
    let sum = start ? start[row] : 0;
    for (let column = 0; column < x.length; column++) sum += matrix[k++]*x[column];
    y[row] = sum;
  }
  return y;
}

function step(x, h) {                           // one word: gates r, i and candidate n, stacked
  const H = h.length, Wx = times(W.weight_x, x, W.bias_x), Uh = times(W.weight_h, h);
  return h.map((old, k) => {
    const r = sigmoid(Wx[k] + Uh[k]), i = sigmoid(Wx[k + H] + Uh[k + H]);
    const n = Math.tanh(Wx[k + 2*H] + r*Uh[k + 2*H]);
    return (1 - i)*n + i*old;
  });
}

function encode(words) {                        // a sentence's words -> its point on the sphere
  const size = DATA.arrays.embedding[2], known = words.map(w => ids.get(w) ?? ids.get('<unk>'));
  let h = new Float64Array(DATA.arrays.weight_h[2]);
  for (const id of known.length ? known : [0])
    h = step(W.embedding.subarray(id*size, (id + 1)*size), h);
  const y = times(W.projection, h, W.bias).map(v => DATA.relu ? Math.max(v, 0) : v);
  const length = Math.hypot(...y);
  return y.map(v => length > 1e-8 ? v/length : 0);
}

const scores = vector => times(W.images, vector);                       // cosines with all pictures
const ranked = s => [...s.keys()].sort((a, b) => s[b] - s[a] || a - b);
window.HVSA = {half, tokenize, encode, scores, ranked};

const letter = '[\\p{L}\\p{N}_]';              // what Python's \w means, \w itself being ASCII here
const RULES = [
  // opening quotes
  [/([«“‘„]|`+)/g, ' $1 '], [/^"/, '``'], [/(``)/g, ' $1 '], [/([ ([{<])("|'{2})/g, '$1 `` '],
  [new RegExp(`(?<!${letter})'(?!(?:re|ve|ll|[mtsdn])(?!${letter}))(?=${letter})`, 'gu'), "' "],
  // a full stop at the end, other marks, brackets, dashes
  [/([^.])\.([\])}>"'»”’ ]*)\s*$/, '$1 . $2 '], [/([:,])(\D)/g, ' $1 $2'], [/([:,])$/, ' $1 '],
  [/\.{2,}/g, ' $& '], [/[;@#$%&\u2012-\u2015?!]/g, ' $& '], [/([^'])' /g, "$1 ' "],
  [/[*\][(){}<>]/g, ' $& '], [/--/g, ' -- '], [/^.*$/s, ' $& '],
  // closing quotes, and what an apostrophe joins
  [/[»”’]/g, ' $& '], [/''/g, " '' "], [/"/g, " '' "], [/\s+/g, ' '],
  [/([^' ])('[smd]|') /g, '$1 $2 '], [/([^' ])('ll|'re|'ve|n't) /g, '$1 $2 '],
  // two words written as one
  ...['can not', "d 'ye", 'gim me', 'gon na', 'got ta', 'lem me', "more 'n"].map(pair => [
    new RegExp(`(?<!${letter})(${pair.replace(' ', ')(')})(?!${letter})`, 'gu'), ' $1 $2 ']),
  [new RegExp(`(?<!${letter})(wan)(na)(?=\\s)`, 'gu'), ' $1 $2 '],
  ...['is', 'was'].map(word => [new RegExp(` ('t)(${word})(?!${letter})`, 'gu'), ' $1 $2 ']),
];
const DROPPED = new Set(', . : ; ? ( ) [ ] & ! * @ # $ %'.split(' '));

function tokenize(sentence) {
  return sentence.toLowerCase().split(/(?<=[.?!])\s+/)
    .flatMap(s => RULES.reduce((text, [find, put]) => text.replace(find, put), s).split(/\s+/))
    .filter(word => word && !DROPPED.has(word));
}

const box = document.getElementById('hvsa-search'), {captions, columns} = DATA, FIRST = 24;
const sheet = new URL('sprite.jpg', document.currentScript.src), ignored = new Set(DATA.ignored);
box.innerHTML = `<form role="search"><label for="hvsa-words">What should be in the picture?</label>
  <input id="hvsa-words" type="search" autocomplete="off" autocapitalize="none" spellcheck="false"
    enterkeyhint="search" maxlength="600" placeholder="Describe a picture"></form>
  <div class="hvsa-tries"></div><div class="hvsa-said" aria-live="polite"></div>
  <ol class="hvsa-grid"></ol><div class="hvsa-foot"></div>
  <details><summary>The words that the model knows</summary><p></p></details>`;
const [form, tries, said, grid, foot, list] = box.children, field = form.querySelector('input');

function make(tag, inside, click) {             // text stays text: nothing typed becomes HTML
  const node = document.createElement(tag);
  if (click) Object.assign(node, {type: 'button', onclick: click});
  node.append(...[inside].flat());
  return node;
}

function paint(node, picture) {                 // one picture out of the sheet, less its edge
  const rows = Math.ceil(captions.length/columns), row = Math.floor(picture/columns), zoom = 1.03;
  const at = (k, n) => `${100*(k*zoom + (zoom - 1)/2)/(n*zoom - 1)}%`, size = n => `${100*n*zoom}%`;
  node.style.background = `url("${sheet}") ${at(picture % columns, columns)} ${at(row, rows)} / `
                          + `${size(columns)} ${size(rows)}`;
  return node;
}

let order = [...captions.keys()], all = false, last = [];       // order[place] is a picture
const tiles = order.map(place => grid.appendChild(make('li', make('button',
  [make('i', ''), make('span', '')], () => alike(order[place])))));
const more = foot.appendChild(make('button', '', () => { all = !all; show(...last); }));
const where = tile => tile.offsetParent && [tile.offsetLeft, tile.offsetTop];

function show(found, ringed) {                  // pictures glide to their new places
  const old = new Map(order.map((picture, place) => [picture, where(tiles[place])]));
  const best = Math.max(...found), range = best - Math.min(...found) || 1;
  [order, last] = [ranked(found), [found, ringed]];
  order.forEach((picture, place) => {
    const button = tiles[place].firstChild, score = found[picture].toFixed(2);
    paint(button.firstChild, picture);
    button.lastChild.textContent = score;
    button.title = captions[picture];
    button.setAttribute('aria-label', `place ${place + 1}, score ${score}: ${captions[picture]}`);
    button.style.setProperty('--share', 1 - (best - found[picture])/range);
    button.classList.toggle('hvsa-right', picture === ringed);
    tiles[place].hidden = !all && place >= FIRST;
  });
  more.hidden = order.length <= FIRST;
  more.textContent = all ? `Show the first ${FIRST}` : `Show all ${order.length}`;
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  tiles.forEach((tile, place) => {
    const to = where(tile), from = old.get(order[place]);
    if (!to || String(from) === String(to)) return;
    const way = from && `translate(${from[0] - to[0]}px, ${from[1] - to[1]}px)`;
    tile.animate([way ? {transform: way} : {opacity: 0}, {}], {duration: 400, easing: 'ease'});
  });
}

function ask(text, ringed) {                    // words -> ranking, and what was made of them
  const words = tokenize(text), is = word => ids.has(word), lines = [];
  const strange = new Set(words.filter(w => !is(w) && !ignored.has(w)));
  if (strange.size) lines.push(`The model does not know: ${[...strange].join(', ')}.`);
  if (words.length > 100) lines.push('That is more than 100 words.');
  else if (!words.some(is)) lines.push('Type a few words that it knows; they are listed below.');
  else {
    const start = performance.now(), found = scores(encode(words));
    const took = (performance.now() - start).toFixed(1);
    show(found, ringed);
    lines.push(`${order.length} pictures ranked on your device in ${took} ms.`);
    if (ringed >= 0) lines.push(`Its picture, ringed, is at place ${order.indexOf(ringed) + 1}.`);
  }
  const reads = words.flatMap(w => [make(is(w) ? 'b' : 's', w), ' ']);
  said.replaceChildren(make('p', reads), make('p', lines.join(' ')));
}

function alike(picture) {                       // a picture -> ranking
  const size = DATA.arrays.images[2];
  show(scores(W.images.subarray(picture*size, (picture + 1)*size)), picture);
  const back = make('button', 'Back to your words', () => { ask(field.value); field.focus(); });
  said.replaceChildren(paint(make('i', ''), picture),
                       make('p', ['More like ', make('q', captions[picture])]), back);
  if (box.getBoundingClientRect().top < 0) box.scrollIntoView();
  tiles[0].firstChild.focus({preventScroll: true});
}

let timer;
const type = (text, ringed) => { clearTimeout(timer); field.value = text; ask(text, ringed); };
field.oninput = () => { clearTimeout(timer); timer = setTimeout(() => ask(field.value), 200); };
form.onsubmit = event => { event.preventDefault(); type(field.value); };
field.onkeydown = event => { if (event.key === 'ArrowDown') tiles[0].firstChild.focus(); };
grid.onkeydown = event => {                     // arrows walk over the pictures
  const here = tiles.indexOf(event.target.parentNode);
  const row = tiles.filter(t => t.offsetParent && t.offsetTop === tiles[0].offsetTop).length;
  const way = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, Escape: -here - 1};
  const to = here + way[event.key];
  if (!(event.key in way)) return;
  event.preventDefault();
  if (to < 0) field.focus();
  else if (tiles[to]?.offsetParent) tiles[to].firstChild.focus();
};

for (const text of DATA.examples) tries.append(make('button', text, () => type(text)));
const draw = () => Math.floor(Math.random()*captions.length);
const quiz = picture => type(captions[picture], picture);
if (DATA.quiz) tries.append(make('button', 'a caption of the data set', () => quiz(draw())));
list.lastChild.textContent = DATA.words.filter(w => w !== '<unk>').sort().join(' ');
type(new URLSearchParams(location.search).get('ask') ?? DATA.examples[0] ?? '');
})();
