// The page of hvsa_serve. The address bar says what is shown: ?q= a question, ?like= a picture of
// the gallery, &open= the one that is looked at. A picture from outside lives as long as the tab.
'use strict'

const $ = id => document.getElementById(id)
const PAGE = 24
const uploads = new Map()        // number in history.state -> File
let about = {pictures: 0, limit: Infinity, attention: false, examples: []}
let asked = null                 // what the grid shows, as a text to compare
let hits = [], waiting = null, opened = null

const number = n => n.toLocaleString('en')
const place = name => name.split('/').map(encodeURIComponent).join('/')
const megabytes = n => `${number(Math.round(n/1e5)/10)} MB`

function make(tag, values = {}, ...inside) {
  const made = Object.assign(document.createElement(tag), values)
  made.append(...inside)
  return made
}

// Asking -----------------------------------------------------------------------------------------

async function fetched(url, options) {
  let answer
  try { answer = await fetch(url, options) } catch (e) {
    if (e.name === 'AbortError') throw e
    throw Error('There is no answer: is hvsa_serve still running?')
  }
  let found
  try { found = await answer.json() } catch { found = {} }
  if (!answer.ok) throw Error(found.error || `The server answered ${answer.status}`)
  return found
}

// What the address bar asks for
function wanted() {
  const values = new URLSearchParams(location.search)
  const upload = uploads.get(history.state?.upload)
  const [q, like, open] = ['q', 'like', 'open'].map(k => values.get(k))
  if (upload) return {key: `upload ${history.state.upload}`, upload, open}
  if (like) return {key: `like ${like}`, like, open}
  if (q?.trim()) return {key: `q ${q.trim()}`, q: q.trim(), open}
  return {key: '', open}
}

function ask(what, skip) {
  waiting?.abort()
  waiting = new AbortController()
  const values = new URLSearchParams({top: PAGE, skip}), signal = waiting.signal
  if (what.like) return fetched(`api/like?${values}&name=${encodeURIComponent(what.like)}`, {signal})
  if (what.q) return fetched(`api/search?${values}&q=${encodeURIComponent(what.q)}`, {signal})
  const body = new FormData()
  body.append('picture', what.upload)
  return fetched(`api/search?${values}`, {method: 'POST', body, signal})
}

function address({q, like, open}) {
  const values = new URLSearchParams(Object.entries({q, like, open}).filter(([, v]) => v))
  return values.size ? `?${values}` : './'
}

function go(what, state = null) {
  history.pushState(state, '', address(what))
  return show()
}

// Showing ----------------------------------------------------------------------------------------

async function show() {
  const what = wanted()
  if (what.key !== asked) {
    close()
    if (what.key) await answer(what)
    else begin()
  }
  if (what.open && asked === what.key) look(what.open)
  else close()
}

function begin() {
  waiting?.abort()
  asked = ''; hits = []
  document.body.className = 'start'
  document.title = 'hvsa'
  $('start').hidden = false; $('found').hidden = true
  $('q').value = ''
  fault('')
  examples()
}

async function answer(what) {
  asked = what.key; hits = []
  document.body.classList.remove('start')
  document.body.classList.add('busy')
  $('start').hidden = true; $('found').hidden = false; $('more').hidden = true
  $('q').value = what.q || ''
  $('asked').textContent = what.q || (what.like ? `Like ${what.like}` : `Like ${what.upload.name}`)
  document.title = `${$('asked').textContent} - hvsa`
  const picture = $('asked-picture')
  if (picture.src.startsWith('blob:')) URL.revokeObjectURL(picture.src)
  picture.hidden = !!what.q
  if (what.like) picture.src = `thumb/${place(what.like)}`
  if (what.upload) picture.src = URL.createObjectURL(what.upload)
  $('status').textContent = $('unknown').textContent = ''
  fault('')
  scrollTo(0, 0)
  try { add(await ask(what, 0), true) } catch (e) {
    if (e.name === 'AbortError') return
    $('grid').replaceChildren()
    $('found').hidden = true; $('start').hidden = false
    fault(e.message)
    examples()
  }
  document.body.classList.remove('busy')
}

$('asked-picture').onerror = e => { e.target.hidden = true }     // a TIFF, say

function add(found, afresh) {
  const first = afresh ? 0 : hits.length
  hits = afresh ? found.hits : hits.concat(found.hits)
  const tiles = found.hits.map((hit, i) => make('li', {}, tile(hit, first + i)))
  if (afresh) $('grid').replaceChildren(...tiles)
  else $('grid').append(...tiles)
  $('more').hidden = !found.more
  $('status').textContent = `The nearest ${number(hits.length)} of ${number(found.pictures)} pictures.`
  if (!afresh) return
  $('unknown').replaceChildren()
  if (found.unknown?.length) {
    const words = found.unknown.flatMap((word, i) => [i ? ', ' : '', make('b', {textContent: word})])
    $('unknown').append('The model does not know ', ...words, '.')
  }
}

function tile(hit, rank) {
  const picture = make('img', {alt: '', width: 256, height: 256, loading: 'lazy', decoding: 'async'})
  picture.src = `thumb/${place(hit.name)}`
  const score = make('b', {textContent: hit.score.toFixed(2), title: `score ${hit.score.toFixed(4)}`})
  const link = make('a', {className: 'tile', href: address({...questions(), open: hit.name})}, picture,
                    make('span', {}, make('i', {textContent: hit.name.split('/').pop()}), score))
  link.title = hit.name
  link.setAttribute('aria-label', `Picture ${rank + 1}: ${hit.name}, score ${hit.score.toFixed(2)}`)
  link.onclick = e => {
    if (e.ctrlKey || e.metaKey || e.shiftKey) return        // a tab or window of its own
    e.preventDefault()
    go({...questions(), open: hit.name}, {...history.state, pushed: true})
  }
  return link
}

function questions() {
  const {q, like} = wanted()
  return {q, like}
}

function fault(text) { $('error').textContent = text }

$('more').onclick = async () => {
  const what = wanted(), first = hits.length
  document.body.classList.add('busy')
  fault('')
  try {
    add(await ask(what, first), false)
    $('grid').children[first]?.firstChild.focus()
  } catch (e) {
    if (e.name === 'AbortError') return
    fault(e.message)
  }
  document.body.classList.remove('busy')
}

// One picture ------------------------------------------------------------------------------------

function look(name) {
  const rank = hits.findIndex(hit => hit.name === name), hit = hits[rank]
  opened = name
  const rows = {'view-score': hit?.score.toFixed(4), 'view-rank': hit && `${rank + 1} of ${number(about.pictures)}`,
                'view-size': hit?.width && `${number(hit.width)} × ${number(hit.height)}`}
  for (const [id, text] of Object.entries(rows)) {
    $(id).hidden = !text
    $(id).lastElementChild.textContent = text || ''
  }
  $('view-name').textContent = name
  $('before').disabled = rank <= 0
  $('after').disabled = rank < 0 || rank + 1 >= hits.length
  $('look').hidden = !about.attention
  $('file-link').href = `picture/${place(name)}`
  $('like').href = address({like: name})
  paint(false)
  if (!$('view').open) $('view').showModal()
}

// The picture, or the model's attention over it
function paint(attention) {
  const picture = $('view-picture')
  $('look').setAttribute('aria-pressed', attention)
  $('view-wait').textContent = attention ? 'Looking …' : ''
  picture.alt = attention ? `Where the model looks in ${opened}` : `Picture ${opened}`
  picture.src = `${attention ? 'attention' : 'picture'}/${place(opened)}`
  const width = hits.find(hit => hit.name === opened)?.width
  picture.style.maxWidth = width ? `${6*width}px` : ''      // a small one is not blown up to a blur
}

$('view-picture').onload = () => { $('view-wait').textContent = '' }
$('view-picture').onerror = async e => {
  if (!$('view').open) return
  $('view-wait').textContent = 'This picture cannot be shown'
  try { await fetched(e.target.src) } catch (why) { $('view-wait').textContent = why.message }
}

function close() { if ($('view').open) $('view').close() }

// Closing is going back, where the grid was what came before
$('view').onclose = () => {
  const rank = hits.findIndex(hit => hit.name === opened)
  $('grid').children[rank]?.firstChild.focus()
  $('view-picture').removeAttribute('src')
  if (!wanted().open) return
  if (history.state?.pushed) history.back()
  else history.replaceState(history.state, '', address(questions()))
}

function step(by) {
  const next = hits[hits.findIndex(hit => hit.name === opened) + by]
  if (!next) return
  history.replaceState(history.state, '', address({...questions(), open: next.name}))
  look(next.name)
}

$('close').onclick = close
$('before').onclick = () => step(-1)
$('after').onclick = () => step(1)
$('look').onclick = () => paint($('look').getAttribute('aria-pressed') !== 'true')
$('like').onclick = e => {
  if (e.ctrlKey || e.metaKey || e.shiftKey) return
  e.preventDefault()
  go({like: opened})
}

// Questions and pictures from outside ------------------------------------------------------------

$('ask').onsubmit = e => {
  e.preventDefault()
  const q = $('q').value.trim()
  if (!q) {
    fault('Write what the picture should show, or give a picture.')
    return $('q').focus()
  }
  go({q})
}

function upload(file) {
  if (!file) return
  if (file.size > about.limit) return fault(`${file.name} has ${megabytes(file.size)}: at most ${megabytes(about.limit)}`)
  const key = Date.now()
  uploads.set(key, file)
  go({}, {upload: key})
}

$('pick').onclick = () => $('file').click()
$('file').onchange = () => { upload($('file').files[0]); $('file').value = '' }
document.onpaste = e => {
  const file = [...e.clipboardData.files].find(f => f.type.startsWith('image/'))
  if (file) { e.preventDefault(); upload(file) }
}
const carries = e => [...(e.dataTransfer?.types || [])].includes('Files')
document.ondragenter = e => { if (carries(e)) $('drop').hidden = false }
document.ondragover = e => { if (carries(e)) e.preventDefault() }
document.ondragleave = e => { if (!e.relatedTarget) $('drop').hidden = true }
document.ondrop = e => {
  $('drop').hidden = true
  if (!carries(e)) return
  e.preventDefault()
  upload(e.dataTransfer.files[0])
}

// Keys -------------------------------------------------------------------------------------------

document.onkeydown = e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return
  if ($('view').open) {
    if (e.key === 'ArrowLeft') step(-1)
    if (e.key === 'ArrowRight') step(1)
    return
  }
  const writing = e.target === $('q')
  if (e.key === '/' && !writing) {
    e.preventDefault()
    $('q').focus(); $('q').select()
  }
  if (e.key === 'Escape' && writing) $('q').blur()
  const tiles = [...document.querySelectorAll('.tile')].filter(t => t.offsetParent)
  if (!tiles.length || (writing && e.key !== 'ArrowDown')) return
  const row = tiles.filter(t => t.offsetTop === tiles[0].offsetTop).length
  const by = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row}[e.key]
  const at = tiles.indexOf(document.activeElement)
  let to = at + by
  if (at < 0) to = by > 0 ? 0 : NaN
  if (e.key === 'Home' && at >= 0) to = 0
  if (e.key === 'End' && at >= 0) to = tiles.length - 1
  if (e.key === 'ArrowUp' && at >= 0 && to < 0) { e.preventDefault(); return $('q').focus() }
  if (!tiles[to]) return
  e.preventDefault()
  tiles[to].focus()
}

// The start --------------------------------------------------------------------------------------

// Each example beside the picture that it finds
async function example(q) {
  const found = await fetched(`api/search?top=1&q=${encodeURIComponent(q)}`)
  const picture = make('img', {alt: '', width: 256, height: 192, decoding: 'async'})
  picture.src = `thumb/${place(found.hits[0].name)}`
  const link = make('a', {className: 'tile', href: address({q})}, picture,
                    make('span', {}, make('i', {textContent: q})))
  link.onclick = e => {
    if (e.ctrlKey || e.metaKey || e.shiftKey) return
    e.preventDefault()
    go({q})
  }
  return make('li', {}, link)
}

async function examples() {
  if ($('examples').children.length) return
  const made = await Promise.allSettled(about.examples.map(example))
  $('examples').replaceChildren(...made.filter(m => m.status === 'fulfilled').map(m => m.value))
}

async function greet() {
  about = await fetched('api/info')
  const pictures = `${number(about.pictures)} picture${about.pictures === 1 ? '' : 's'}`
  $('about').append(make('span', {textContent: pictures}), make('span', {textContent: about.model}))
  onpopstate = show
  await show()
}

history.scrollRestoration = 'manual'
if (matchMedia('(hover: hover)').matches && !location.search) $('q').focus()
greet().catch(e => fault(e.message))
