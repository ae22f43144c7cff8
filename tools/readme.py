"""Make README.md from the landing page nbs/index.ipynb.

Markdown, code and text outputs are taken over; figures are written to nbs/images/, since a
code-hosting page cannot show a notebook's own. Links to notebooks and images are made to start at
the top folder.
"""
import base64, json, re, sys
from fastcore.script import call_parse
from heads import BADGE

SCHEME = re.compile(r'[a-z][a-z0-9+.-]*:|#|/', re.I)
NOTES = dict(note='NOTE', tip='TIP', important='IMPORTANT', warning='WARNING', caution='CAUTION')

def relink(text:str, folder:str) -> str:
    "Make the relative links and pictures of a page in `folder` work from the top folder"
    def there(m):
        return m.group(0) if SCHEME.match(m.group(2)) else f'{m.group(1)}{folder}/{m.group(2)}'
    return re.sub(r'((?:src|srcset|href)=")([^"]+)', there, re.sub(r'(\]\()([^)\s]+)', there, text))

def plain_blocks(text:str) -> str:
    "Turn Quarto's callouts into quoted notes, and drop its other fences and attributes"
    def note(m):
        body = re.sub(r'^#+ (.*)$', r'**\1**', m.group(2).strip(), flags=re.M)
        return f'> [!{NOTES[m.group(1)]}]\n' + '\n'.join(f'> {line}'.rstrip()
                                                         for line in body.splitlines())
    text = re.sub(r'^::: *\{\.callout-(\w+)[^}\n]*\}\n(.*?)^:::[ \t]*$', note, text,
                  flags=re.M | re.S)
    return re.sub(r'(?<=\))\{[^}\n]*\}', '', re.sub(r'^:::.*\n?', '', text, flags=re.M))

def marks(source:str) -> tuple:
    "The `#|` lines of a cell as a dict, and the source without them"
    lines = source.splitlines()
    n = next((i for i, line in enumerate(lines) if not line.startswith('#|')), len(lines))
    found = dict((m.split(':', 1) + ['true'])[:2] for m in (line[2:].strip() for line in lines[:n]))
    return {k.strip(): v.strip() for k, v in found.items()}, '\n'.join(lines[n:]).strip()

def output(out:dict, cell:dict, i:int, alt:str, images:dict) -> str:
    "Markdown of one output; a figure goes to `images` (name -> bytes)"
    data = {k: ''.join(v) if isinstance(v, list) else v for k, v in out.get('data', {}).items()}
    if out['output_type'] == 'stream':
        return '' if out['name'] == 'stderr' else f"```\n{''.join(out['text']).rstrip()}\n```"
    for kind in {'image/png', 'image/jpeg'} & data.keys():
        name = f'readme-{cell["id"]}-{i}.{kind[6:]}'
        images[name] = base64.b64decode(data[kind])
        return f'![{alt}](nbs/images/{name})'
    if 'image/svg+xml' in data:
        images[name := f'readme-{cell["id"]}-{i}.svg'] = data['image/svg+xml'].encode()
        return f'![{alt}](nbs/images/{name})'
    if 'text/markdown' in data: return data['text/markdown'].strip()
    if 'text/html' in data:
        return re.sub(r'<style.*?</style>\s*', '', data['text/html'], flags=re.S).strip()
    return f"```\n{data['text/plain'].rstrip()}\n```" if 'text/plain' in data else ''

def readme(nb:dict, folder:str, site:str) -> tuple:
    "README text and its pictures (name -> bytes)"
    parts, images = [], {}
    for i, cell in enumerate(nb['cells']):
        source = ''.join(cell['source'])
        if i == 0: source = re.sub(r'(?m)^- [\w-]+: .*\n?', '', source)  # options of the page
        if cell.get('id') == BADGE: source += f'\n\n[Read it as a site]({site})'
        if cell['cell_type'] == 'markdown':
            parts.append(plain_blocks(relink(source, folder)).strip())
        if cell['cell_type'] != 'code': continue
        opts, code = marks(source)
        if {'hide', 'export', 'default_exp'} & opts.keys() or opts.get('include') == 'false':
            continue
        if code and opts.get('echo') != 'false': parts.append(f'```python\n{code}\n```')
        if opts.get('output') != 'false':
            alt = opts.get('fig-alt', '').strip('"\'')
            parts += [output(out, cell, i, alt, images) for i, out in enumerate(cell['outputs'])]
    head = f'<!-- Made from {folder}/index.ipynb by tools/readme.py: edit that. -->\n\n'
    return head + '\n\n'.join(p for p in parts if p) + '\n', images

@call_parse
def main(
    check:bool=False, # Write nothing; fail if README.md or its pictures are out of step
):
    "Make README.md from nbs/index.ipynb"
    from nbdev.config import get_config
    cfg = get_config()
    source, folder = cfg.nbs_path/cfg.readme_nb, cfg.nbs_path/'images'
    target = cfg.config_path/'README.md'
    if not source.exists(): sys.exit(f'{source} is missing')
    text, images = readme(json.loads(source.read_text(encoding='utf-8')), cfg.nbs_path.name,
                          cfg.doc_host + cfg.doc_baseurl)
    files = {target: text.encode(), **{folder/name: data for name, data in images.items()}}
    stale = [p for p in folder.glob('readme-*.*') if p not in files]
    wrong = [p for p, data in files.items() if not p.exists() or p.read_bytes() != data] + stale
    if check:
        names = ', '.join(p.name for p in wrong)
        sys.exit(f'run tools/readme.py: out of step: {names}' if wrong else 0)
    for path in stale: path.unlink()
    for path, data in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    print(f'README.md: {len(text.split())} words, {len(images)} pictures')
