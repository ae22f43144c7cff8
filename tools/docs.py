"""Render the documentation site into _docs/ and check it.

Quarto renders where it is installed. Where it is not, `smalldocs` makes plainer pages from the same
configuration: good for looking and for checking, while Quarto stays the publisher. Notebooks are not
executed: pages show their stored outputs.
"""
import ast, html, io, json, os, re, shutil, subprocess, sys
from contextlib import redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from fastcore.script import call_parse

# Notebooks as the renderer gets them -------------------------------------------------------------

def code_outputs(path:Path) -> dict:
    "Stored outputs of the notebook at `path`, by cell id"
    return {c['id']: c['outputs'] for c in json.loads(path.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code'}

def relative_links(text:str, page:Path, cfg, pages:dict) -> str:
    "Turn nbdev's absolute links to documented names into links to the notebook's neighbours"
    def link(m):
        name, _, anchor = m.group(1).partition('#')
        if name not in pages: return m.group(0)
        target, anchors = pages[name]
        while anchor and anchor not in anchors: anchor = anchor.rpartition('.')[0]  # a method that stands under its class
        there = os.path.relpath(target, page.parent).replace(os.sep, '/')
        return f'({there}#{anchor})' if anchor else f'({there})'
    base = re.escape(cfg.doc_host.rstrip('/') + '/' + cfg.doc_baseurl.strip('/'))
    return re.sub(rf'\({base}/([^)\s]+)\)', link, text)

def page_name(nb:dict, path:Path) -> str:
    "File name of the page that Quarto makes of a processed notebook"
    first = ''.join(nb['cells'][0]['source']) if nb['cells'] else ''
    m = re.search(r'^output-file: *(\S+)', first, re.M)
    return m.group(1) if m else path.with_suffix('.html').name

def documented(cell) -> bool:
    "Whether a signature on the page may need this cell run: nbdev would also run cells that hold an import beside other code"
    trees = cell.parsed_() if cell.source and cell.cell_type == 'code' else None
    if not trees or cell.directives_.get('eval:', [''])[0].lower() == 'false': return False
    wanted = {'export', 'exports', 'exporti', 'exec_doc'} & cell.directives_.keys() or ast.unparse(trees[0]).startswith('show_doc(')
    return bool(wanted) or all(isinstance(tree, (ast.Import, ast.ImportFrom)) for tree in trees)

def process(proc:Path, cfg):
    "Prepare _proc/: nbdev's processed notebooks, with the outputs that are stored and links that work anywhere"
    import nbdev.processors
    from nbdev.quarto import refresh_quarto_yml
    from nbdev.serve import proc_nbs
    refresh_quarto_yml()
    if proc.exists(): shutil.rmtree(proc)
    sys.path.insert(0, str(cfg.config_path.resolve()))
    nbdev.processors._do_eval = documented
    try: proc_nbs(force=True, n_workers=0)  # in this process, where the line above holds
    except Exception as e: sys.exit(f'nbdev could not process the notebooks: {e}\n\n{e.__cause__!r}')
    nbs = {p: json.loads(p.read_text(encoding='utf-8')) for p in sorted(proc.rglob('*.ipynb')) if '_docs' not in p.parts}
    pages = {}
    for path, nb in nbs.items():
        headings = re.findall(r'^#+ +([\w.]+) *$', '\n'.join(markdown(nb)), re.M)
        name = (path.relative_to(proc).parent/page_name(nb, path)).as_posix()
        pages[name] = path, {h.lower() for h in headings}
    for path, nb in nbs.items():
        stored = code_outputs(cfg.nbs_path/path.relative_to(proc))
        for cell in nb['cells']:
            if cell['cell_type'] == 'markdown': cell['source'] = relative_links(''.join(cell['source']), path, cfg, pages)
            if cell.get('id') in stored: cell['outputs'] = stored[cell['id']]  # not those of what nbdev ran just now
            for out in cell.get('outputs', []):
                if 'text/markdown' in out.get('data', {}):
                    out['data']['text/markdown'] = relative_links(''.join(out['data']['text/markdown']), path, cfg, pages)
        path.write_text(json.dumps(nb, indent=1, ensure_ascii=False), encoding='utf-8')

def markdown(nb:dict) -> list:
    "All Markdown of a notebook: cells and outputs"
    return ([''.join(c['source']) for c in nb['cells'] if c['cell_type'] == 'markdown'] +
            [''.join(o['data']['text/markdown']) for c in nb['cells'] for o in c.get('outputs', []) if 'text/markdown' in o.get('data', {})])

def render(proc:Path, docs:Path) -> bool:
    "Render _proc/ into _docs/; True when Quarto did it"
    quarto = shutil.which('quarto')
    smalldocs = shutil.which('smalldocs') or shutil.which('smalldocs', path=str(Path(sys.executable).parent))
    if not quarto and not smalldocs: sys.exit("neither quarto nor smalldocs is installed: pip install -e '.[dev]'")
    made = subprocess.run([quarto, 'render', str(proc), '--no-execute'] if quarto else [smalldocs, 'render', '--quiet', str(proc)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode: sys.exit(f'{made.args[0]} failed:\n{made.stdout}')
    if docs.exists(): shutil.rmtree(docs)
    shutil.move(proc/docs.name, docs)
    return bool(quarto)

# The pages as a reader gets them -----------------------------------------------------------------

class Page(HTMLParser):
    "What one page holds: its text, ids, links, and the pictures in its outputs"
    def __init__(self, path:Path):
        super().__init__(convert_charrefs=True)
        self.ids, self.links, self.nav, self.text, self.images, self.stack = set(), [], set(), [], 0, []
        self.feed(path.read_text(encoding='utf-8'))
        self.text = squeeze(''.join(self.text))
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get('id'): self.ids.add(attrs['id'])
        if tag in ('nav', 'main', 'script', 'style', 'div'): self.stack.append((tag, attrs.get('id'), attrs.get('class') or ''))
        for key in ('href', 'src'):
            if attrs.get(key): self.links.append(attrs[key])
        if tag == 'a' and any(i == 'quarto-sidebar' for _, i, _ in self.stack): self.nav.add(attrs.get('href'))
        if tag == 'img' and any('cell-output' in c for _, _, c in self.stack): self.images += 1
    def handle_endtag(self, tag):
        if tag in [t for t, _, _ in self.stack]:
            while self.stack.pop()[0] != tag: pass
    def handle_data(self, data):
        if not any(t in ('script', 'style') for t, _, _ in self.stack): self.text.append(data)

def squeeze(text:str) -> str: return re.sub(r'\s+', '', text)

def check_outputs(nb:dict, page:Page) -> list:
    "What the page lacks of the outputs that the processed notebook shows"
    shown = [c for c in nb['cells'] if c['cell_type'] == 'code' and not re.search(r'^#\| *(include|output): *false', ''.join(c['source']), re.M)]
    outputs, problems = [o for c in shown for o in c.get('outputs', [])], []
    figures = sum(any(k.startswith('image/') for k in o.get('data', {})) and 'text/html' not in o.get('data', {}) for o in outputs)
    if page.images < figures: problems.append(f'holds {page.images} of {figures} figures')
    problems += [f'says nothing about {"".join(c["source"]).splitlines()[-1]}' for c in shown if 'show_doc(' in ''.join(c['source']) and not c['outputs']]
    for out in outputs:
        if out['output_type'] == 'error': problems.append(f'shows an error: {out.get("ename")}')
        data = out.get('data', {})
        text = ''.join(out.get('text', [])) if out['output_type'] == 'stream' else ''
        if 'text/html' in data: text = html.unescape(re.sub(r'<style.*?</style>|<[^>]+>', '', ''.join(data['text/html']), flags=re.S))
        elif set(data) == {'text/plain'}: text = ''.join(data['text/plain'])
        if squeeze(text) and squeeze(text) not in page.text: problems.append(f'lacks an output: {text.strip()[:70]!r}')
    return problems

def check_links(path:Path, docs:Path, pages:dict, host:str) -> list:
    "Internal links of the page at `path` that lead nowhere"
    problems = []
    for link in pages[path].links:
        url = urlsplit(link)
        if url.scheme or url.netloc:
            if link.startswith(host): problems.append(f'absolute link into the site: {link}')
            continue
        if url.path.startswith('/'): problems.append(f'link from the root, which only works on a server: {link}'); continue
        target = (path.parent/unquote(url.path)).resolve() if url.path else path
        if target.is_dir(): target = target/'index.html'
        if not target.is_relative_to(docs) or not target.exists(): problems.append(f'broken link: {link}')
        elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].ids: problems.append(f'no such place: {link}')
    return problems

def check(proc:Path, docs:Path, cfg, quarto:bool) -> list:
    "All that is wrong with the rendered site"
    pages = {p: Page(p) for p in sorted(docs.rglob('*.html')) if 'site_libs' not in p.parts}
    problems, listed = [], set()
    for path, page in pages.items():
        listed |= {(path.parent/unquote(urlsplit(h).path)).resolve() for h in page.nav if h}
    for path in sorted(cfg.nbs_path.rglob('*.ipynb')):
        rel = path.relative_to(cfg.nbs_path)
        if any(part.startswith(('.', '_')) for part in rel.parts): continue
        nb = json.loads((proc/rel).read_text(encoding='utf-8'))
        page = docs/rel.parent/(page_name(nb, rel) if quarto else rel.with_suffix('.html').name)
        if page not in pages: problems.append(f'{rel}: no page'); continue
        problems += [f'{rel}: {p}' for p in check_outputs(nb, pages[page])]
        if page not in listed: problems.append(f'{rel}: not in nbs/sidebar.yml')
    for path in pages:
        problems += [f'{path.relative_to(docs)}: {p}' for p in dict.fromkeys(check_links(path, docs, pages, cfg.doc_host + cfg.doc_baseurl))]
    print(f'{len(pages)} pages, {sum(len(p.links) for p in pages.values())} links, {sum(p.images for p in pages.values())} figures in outputs')
    return problems

@call_parse
def main():
    "Render the documentation into _docs/ and check that every page is there, holds its outputs and links to places that exist"
    from nbdev.config import get_config
    cfg = get_config()
    proc, docs = cfg.config_path.resolve()/'_proc', cfg.doc_path.resolve()
    with redirect_stdout(io.StringIO()): process(proc, cfg)
    quarto = render(proc, docs)
    problems = check(proc, docs, cfg, quarto)
    if problems: sys.exit('\n'.join(problems))
    print(f'{docs.relative_to(cfg.config_path.resolve())}/index.html is ready ({"Quarto" if quarto else "smalldocs"})')
