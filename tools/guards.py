"""What must hold for notebooks and modules besides that they run: `python tools/guards.py [paths]`
names file, cell, what to do.

Each guard gets one code cell (or a module's text) and says what is wrong with it. Each has an
example that it must
find, tried before every run: a guard that cannot fail guards nothing.
"""
import base64, json, re, struct, sys
from pathlib import Path
import yaml
from fastcore.script import Param, call_parse

WIDTH, LINES, BYTES, SHOWN, SHARP = 100, 200, 260_000, 880, 1400
NOTEBOOK = 3_000_000  # bytes of a notebook with its outputs
GUARDS, EXAMPLES = [], {}

def guard(*examples):
    "Registers a guard of code cells, with cells that it must find something wrong with"
    def register(f):
        GUARDS.append(f)
        EXAMPLES[f] = examples
        return f
    return register

def cell(source:str, *outputs):
    return dict(cell_type='code', id='example', source=source.splitlines(True),
                outputs=list(outputs))
def stream(text:str, name:str='stdout'): return dict(output_type='stream', name=name, text=[text])
def figure(kind:str, data, **meta):
    return dict(output_type='display_data', data={kind: data},
                metadata={kind: meta} if meta else {})
def png(width:int, size:int=100):
    head = b'\x89PNG\r\n\x1a\n' + bytes(8) + struct.pack('>II', width, 10)
    return base64.b64encode(head + bytes(size)).decode()

def parts(c:dict) -> tuple:
    "The `#|` lines of a cell, without the mark, and its code"
    rows = ''.join(c['source']).splitlines()
    n = next((i for i, row in enumerate(rows) if not re.match(r'\s*(#\||$)', row)), len(rows))
    return [row.strip()[2:].strip() for row in rows[:n] if row.strip()], rows[n:]

def named(marks:list, key:str):
    return next((m.partition(':')[2].strip() for m in marks if re.match(rf'{key}\s*:', m)), None)

# Guards of code cells ----------------------------------------------------------------------------

@guard(cell('#| fig-alt: two panels: left, right'), cell('#| fig-alt: "open'), cell('#| fig-alt:'))
def options(c):
    "Options that Quarto cannot read as YAML end its run"
    for mark in parts(c)[0]:
        if not re.match(r'[\w-]+:', mark): continue
        try: value = yaml.safe_load(mark)
        except yaml.YAMLError:
            yield f'quote the value: {mark[:60]}'
            continue
        if not isinstance(value, dict) or None in value.values(): yield f'no value: {mark[:60]}'

@guard(cell('x = 1  # ' + 'long '*30))
def width(c):
    for row in parts(c)[1]:
        if len(row) > WIDTH: yield f'{len(row)} characters, at most {WIDTH}: {row.strip()[:60]}'

@guard({**cell('x'), 'source': 'x\ny'})
def source_lines(c):
    if not isinstance(c['source'], list):
        yield 'the source is no list of lines: open and save it in Jupyter'

@guard(cell('f()', stream('Warning: odd\n', 'stderr')))
def stderr(c):
    if any(o.get('name') == 'stderr' for o in c['outputs']):
        yield 'a stored warning: mend its cause and run tools/save_outputs.py'

@guard(cell('f()', stream('  5%|#   | 1/20 [00:01<00:19,  1.00it/s]\n')),
       cell('f()', stream('a\rb\n')))
def progress(c):
    if any(re.search(r'\d%\||it/s|s/it\b|\r', ''.join(o.get('text', []))) for o in c['outputs']):
        yield 'a stored progress bar: run tools/save_outputs.py'

@guard(cell('ax.legend()', dict(output_type='execute_result', data={
    'text/plain': ['<matplotlib.legend.Legend>']})))
def stray(c):
    "Quarto drops such a result, and a check of outputs then misses it"
    if any(re.match(r'\[?<matplotlib\.', ''.join(o.get('data', {}).get('text/plain', [])))
           for o in c['outputs']): yield 'a stray result: give the last line a name, such as `_ = ...`'

def images(c):
    "kind, bytes and metadata of each figure in the outputs"
    for o in c['outputs']:
        for kind in o.get('data', {}):
            if not kind.startswith('image/'): continue
            text = ''.join(o['data'][kind])
            data = text.encode() if kind == 'image/svg+xml' else base64.b64decode(text)
            yield kind, data, o.get('metadata', {}).get(kind, {})

def pixels(kind:str, data:bytes) -> int:
    "Width of a PNG or JPEG"
    if kind == 'image/png': return struct.unpack('>I', data[16:20])[0]
    at = 2
    while at + 9 < len(data) and data[at+1] not in (0xc0, 0xc1, 0xc2):
        at += 2 + struct.unpack('>H', data[at+2:at+4])[0]
    return struct.unpack('>H', data[at+7:at+9])[0] if at + 9 < len(data) else 0

@guard(cell('plot()', figure('image/png', png(700))),
       cell('plot()', figure('image/png', png(900), width=600)))
def sharp(c):
    "Screens show two pixels for one of a page"
    for kind, data, meta in images(c):
        if kind not in ('image/png', 'image/jpeg'): continue
        have, want = pixels(kind, data), SHARP
        if 'width' in meta: want = 2*min(SHOWN, meta['width']) - 2
        if have < want:
            yield (f'a figure of {have} pixels, {want} wanted: run tools/save_outputs.py, '
                   'or mark the cell `#| svg`')

@guard(cell('#| fig-alt: "x"\nplot()', figure('image/svg+xml', '<svg>' + 'x'*BYTES + '</svg>')),
       cell('plot()', figure('image/png', png(1760, BYTES))))
def light(c):
    for kind, data, _ in images(c):
        if len(data) > BYTES:
            what = 'no `#| svg` here' if 'svg' in kind else 'draw less'
            yield f'a figure of {len(data)//1000} kB, at most {BYTES//1000}: {what}'

@guard(cell('plot()', figure('image/png', png(1760))))
def alt_text(c):
    if any(True for _ in images(c)) and not (named(parts(c)[0], 'fig-alt') or '').strip('"\' '):
        yield 'a figure without `#| fig-alt: "..."`'

@guard(cell('show()', figure('text/html', '<img src="x"><script>1</script>')),
       cell('show()', figure('text/html', '<script src="https://a.org/x.js"></script>')),
       cell('show()', figure('text/html', '<script>fetch("//a.org")</script><img alt="x">')))
def moving(c):
    "Figures with a program of their own: words for who sees none, and no other host"
    for data in (o.get('data', {}) for o in c['outputs']):
        html = ''.join(data.get('text/html', ''))
        if '<script' not in html: continue
        if not re.search(r'\balt="[^"]+"|<noscript>', html):
            yield 'a figure that needs a program, without words for where none runs'
        if re.search(r'(?:src|href)="(?:https?:)?//|(?:fetch|import)\(["\'](?:https?:)?//', html):
            yield 'a moving figure asks an outside host'

# Guards of Markdown and of modules ---------------------------------------------------------------

HTML = ('a abbr b br code details div dl dd dt em figure figcaption hr i img kbd li ol p picture '
        'pre s small source span strong sub summary sup svg path table tbody td th thead tr u '
        'ul').split()

def markdown_faults(text:str) -> list:
    "What a reader would see raw, or not at all"
    bare = re.sub(r'^(```+|~~~+).*?^\1|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$', '', text,
                  flags=re.M | re.S)
    unknown = [tag for tag in re.findall(r'</?([a-zA-Z][\w-]*)(?=[\s>/])',
                                         bare) if tag.lower() not in HTML]
    found = [f'<{tag}> is eaten by browsers: put it in backticks' for tag in dict.fromkeys(unknown)]
    found += [f'a picture from an outside host: {src}'
              for src in re.findall(r'!\[[^\]]*\]\((https?:[^)\s]+)|<img[^>]+src="(https?:[^"]+)',
                                    bare) for src in src if src]
    return found + ['a picture without alt text'
                    for _ in re.findall(r'!\[\s*\]\(|<img(?![^>]*\balt=)', bare)]

def module_faults(text:str, name:str='') -> list:
    text = re.sub(r'^__all__ = .*?\]$', '', text, flags=re.M | re.S)  # written by nbdev
    rows = text.splitlines()
    found = [f'line {i}: {len(row)} characters, at most {WIDTH}' for i,
             row in enumerate(rows, 1) if len(row) > WIDTH]
    if len(rows) > LINES:
        found.append(f'{len(rows)} lines, at most {LINES}: give one idea a module of its own')
    return found

def self_test():
    "Each guard finds its examples, and nothing in a cell that is right"
    good = cell('#| fig-alt: "two panels: left, right"\n#| slow\nplot()', stream('a\n'),
                figure('image/png', png(1760), width=880), figure('image/svg+xml', ['<svg/>']))
    for f in GUARDS:
        for example in EXAMPLES[f]: assert list(f(example)), f'{f.__name__} does not find {example}'
        assert not list(f(good)), f'{f.__name__}: {list(f(good))}'
    assert len(markdown_faults('Words become <unk>. ![](a.png) ![x](https://a.org/b.svg)')) == 3
    assert not markdown_faults('`<unk>` and <br> ![x](a.png)\n```\n<unk>\n```\n')
    assert len(module_faults('x'*101 + '\n'*201)) == 2 and not module_faults('x'*100)

def notebook_faults(path:Path) -> list:
    "cell id and what to do, for all that is wrong in a notebook"
    text = path.read_text(encoding='utf-8')
    cells = json.loads(text)['cells']
    code = [c for c in cells if c['cell_type'] == 'code']
    found = [(c['id'], text) for c in code for guard in GUARDS for text in guard(c)]
    texts = [(c['id'], ''.join(c['source'])) for c in cells if c['cell_type'] == 'markdown']
    data = [(c['id'], o.get('data', {})) for c in code for o in c['outputs']]
    texts += [(i, ''.join(d['text/markdown'])) for i, d in data if 'text/markdown' in d]
    if len(text) > NOTEBOOK:
        found.append(('', f'{len(text)/1e6:.1f} MB with its outputs, at most 3'))
    return found + [(i, fault) for i, said in texts for fault in markdown_faults(said)]

@call_parse
def main(
    paths:Param('Notebooks and modules (default: all)', str, nargs='*'),
):
    "Name all that the guards find, file by file; exit code 1 if there is anything"
    from nbdev.config import get_config
    from nbdev.doclinks import nbglob
    self_test()
    cfg, found = get_config(), []
    modules = [p for p in sorted(cfg.lib_path.rglob('*.py')) if p.name != '_modidx.py']
    for path in [Path(p).resolve() for p in paths] or [*sorted(Path(p).resolve() for p in nbglob()),
                                                       *modules]:
        name = path.relative_to(cfg.config_path)
        if path.suffix == '.ipynb':
            found += [f'{name} {i}: {text}' for i, text in notebook_faults(path)]
        else:
            found += [f'{name}: {text}' for text in module_faults(path.read_text(encoding='utf-8'))]
    if found: sys.exit('\n'.join(found) + f'\n{len(found)} found')
    print(f'note: {len(GUARDS) + 2} guards')
