"""Render the documentation site into _docs/ and check it.

Quarto renders where it is installed. Where it is not, `smalldocs` makes plainer pages from the same
configuration: good for looking and for checking, while Quarto stays the publisher. Notebooks are
not executed: pages show their stored outputs, and ask no host but their own.
"""
import ast, html, io, json, os, re, shutil, subprocess, sys
from contextlib import redirect_stdout
from pathlib import Path
import yaml
from fastcore.script import call_parse
from docs_check import check, quarto_warnings, self_test
from docs_text import addresses, lines, raw_html, redirect, signature_and_docstring, with_links

def page_name(nb:dict, path:Path) -> str:
    "File name of the page that Quarto makes of a processed notebook"
    first = ''.join(nb['cells'][0]['source']) if nb['cells'] else ''
    m = re.search(r'^output-file: *(\S+)', first, re.M)
    return m.group(1) if m else path.with_suffix('.html').name

def documented(cell) -> bool:
    """Whether a signature on the page may need this cell run.

    nbdev would also run every cell that holds an import beside other code, and so a training, or
    code that needs what an earlier cell made, which it did not run.
    """
    trees = cell.parsed_() if cell.source and cell.cell_type == 'code' else None
    if not trees or cell.directives_.get('eval:', [''])[0].lower() == 'false': return False
    if {'export', 'exports', 'exporti', 'exec_doc'} & cell.directives_.keys(): return True
    if ast.unparse(trees[0]).startswith('show_doc('): return True
    return all(isinstance(tree, (ast.Import, ast.ImportFrom)) for tree in trees)

def run_nbdev(proc:Path, cfg):
    "nbdev's part: notebooks with front matter, and signatures of what they export, in _proc/"
    import nbdev.doclinks, nbdev.processors, nbdev.showdoc
    from nbdev.quarto import refresh_quarto_yml
    from nbdev.serve import proc_nbs
    refresh_quarto_yml()
    if proc.exists(): shutil.rmtree(proc)
    sys.path.insert(0, str(cfg.config_path.resolve()))
    nbdev.processors._do_eval = documented
    nbdev.showdoc.BasicMarkdownRenderer = signature_and_docstring()
    nbdev.doclinks.NbdevLookup.linkify = lambda self, text: text  # `process` makes the links
    nbdev.doclinks.NbdevLookup.link_line = lambda self, text: text
    try: proc_nbs(force=True, n_workers=0)  # in this process, where the lines above hold
    except Exception as e:
        sys.exit(f'nbdev could not process the notebooks: {e}\n\n{e.__cause__!r}')

def process(proc:Path, cfg) -> dict:
    "Prepare _proc/: notebooks with their stored outputs and with links; returns them by path"
    from nbdev.doclinks import NbdevLookup
    run_nbdev(proc, cfg)
    nbs = {p: json.loads(p.read_text(encoding='utf-8')) for p in sorted(proc.rglob('*.ipynb'))}
    base = cfg.doc_host.rstrip('/') + '/' + cfg.doc_baseurl.strip('/')
    lookup, pages = NbdevLookup(), {}
    for path, nb in nbs.items():
        headings = re.findall(r'^#+ +([\w.]+) *$', '\n'.join(markdown(nb)), re.M)
        name = (path.relative_to(proc).parent/page_name(nb, path)).as_posix()
        pages[name] = path, {h.lower() for h in headings}
    for path, nb in nbs.items():
        source = json.loads((cfg.nbs_path/path.relative_to(proc)).read_text(encoding='utf-8'))
        stored = {c['id']: c['outputs'] for c in source['cells'] if c['cell_type'] == 'code'}
        address = addresses(path, base, pages, lookup)
        for cell in nb['cells']:
            if cell['cell_type'] == 'markdown':
                cell['source'] = with_links(''.join(cell['source']), address)
            cell['source'] = lines(cell['source'])
            if cell['cell_type'] != 'code': continue
            # not what nbdev ran just now
            cell['outputs'] = [raw_html(o) for o in stored.get(cell.get('id'), cell['outputs'])]
            for out in cell['outputs']:
                if 'text' in out: out['text'] = lines(out['text'])
                if 'text/markdown' not in out.get('data', {}): continue
                text = ''.join(out['data']['text/markdown'])
                out['data']['text/markdown'] = lines(with_links(text, address))
        path.write_text(json.dumps(nb, indent=1, ensure_ascii=False), encoding='utf-8')
    return nbs

def markdown(nb:dict) -> list:
    "All Markdown of a notebook: cells and outputs"
    cells = [c['source'] for c in nb['cells'] if c['cell_type'] == 'markdown']
    data = [o.get('data', {}) for c in nb['cells'] for o in c.get('outputs', [])]
    cells += [d['text/markdown'] for d in data if 'text/markdown' in d]
    return [''.join(text) for text in cells]

def render(proc:Path, docs:Path) -> tuple:
    "Render _proc/ into _docs/; whether Quarto did it, and what it warns of"
    quarto = shutil.which('quarto')
    beside = str(Path(sys.executable).parent)
    smalldocs = shutil.which('smalldocs') or shutil.which('smalldocs', path=beside)
    if not quarto and not smalldocs:
        sys.exit("neither quarto nor smalldocs is installed: pip install -e '.[dev]'")
    args = [smalldocs, 'render', '--quiet', str(proc)]
    if quarto: args = [quarto, 'render', str(proc), '--no-execute']
    made = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode: sys.exit(f'{made.args[0]} failed:\n{made.stdout}')
    if docs.exists(): shutil.rmtree(docs)
    shutil.move(proc/docs.name, docs)
    (one_active if quarto else as_quarto)(docs)
    box_tables(docs)
    return bool(quarto), quarto_warnings(made.stdout) if quarto else []

def box_tables(docs:Path):
    "Each table in a box that scrolls where the page is narrower"
    for path in docs.rglob('*.html'):
        text = path.read_text(encoding='utf-8')
        boxed = re.sub(r'(<table\b.*?</table>)', r'<div class="wide">\1</div>', text, flags=re.S)
        if boxed != text: path.write_text(boxed, encoding='utf-8')

def one_active(docs:Path):
    "Mark an entry of the bar only on the page it leads to; Quarto marks the first on all pages"
    marked = re.compile(r'<a class="nav-link active" href="([^"]*)" aria-current="page">')
    for path in docs.rglob('*.html'):
        text = path.read_text(encoding='utf-8')
        def entry(m):
            here = (path.parent/m.group(1)).resolve() == path
            return m.group(0) if here else f'<a class="nav-link" href="{m.group(1)}">'
        path.write_text(marked.sub(entry, text), encoding='utf-8')

def as_quarto(docs:Path):
    "Instead of what smalldocs fetches from outside hosts: formulas as MathML or else TeX, no fonts"
    written = re.compile(r'<span class="math (inline|display)">\\[(\[](.*?)\\[)\]]</span>', re.S)
    try: from latex2mathml.converter import convert
    except ImportError: convert = None
    def formula(m):
        if not convert: return f'<code>{m.group(2)}</code>'
        tex = html.unescape(m.group(2)).replace('{aligned}', '{align*}')
        made = convert(tex, display='block' if m.group(1) == 'display' else 'inline')
        return f'<span class="math {m.group(1)}">{made}</span>'
    for path in docs.rglob('*.html'):
        text = path.read_text(encoding='utf-8')
        text = re.sub(r'<(link|script)\b[^>]*/katex@[^>]*>(</script>)?', '', text)
        path.write_text(written.sub(formula, text), encoding='utf-8')
    for path in (docs/'site_libs').rglob('*.css'):
        text = path.read_text(encoding='utf-8')
        path.write_text(re.sub(r'@import url\(https?:[^)]*\);', '', text), encoding='utf-8')

def write_redirects(docs:Path, cfg, names:dict) -> list:
    """A page at each old address of nbs/redirects.yml that leads to the new one, of which `names`
    gives the page; what is wrong with the table"""
    from nbdev.doclinks import _nbpath2html
    moved = yaml.safe_load((cfg.nbs_path/'redirects.yml').read_text(encoding='utf-8')) or {}
    for old, new in moved.items():
        for page in dict.fromkeys((Path(old).with_suffix('.html'), _nbpath2html(Path(old)))):
            if new not in names or (docs/page).exists(): continue
            (docs/page).parent.mkdir(parents=True, exist_ok=True)
            there = os.path.relpath(names[new], page.parent).replace(os.sep, '/')
            (docs/page).write_text(redirect(there), encoding='utf-8')
    return [f'nbs/redirects.yml: there is no {new}' for new in moved.values() if new not in names]

@call_parse
def main():
    "Render the documentation into _docs/ and check its pages: outputs, links, text, what they load"
    from nbdev.config import get_config
    self_test()
    cfg = get_config()
    proc, docs = cfg.config_path.resolve()/'_proc', cfg.doc_path.resolve()
    with redirect_stdout(io.StringIO()): nbs = process(proc, cfg)
    quarto, problems = render(proc, docs)
    names = {}
    for path, nb in nbs.items():
        rel = path.relative_to(proc)
        name = page_name(nb, rel) if quarto else rel.with_suffix('.html').name
        names[rel.as_posix()] = (rel.parent/name).as_posix()
    problems += write_redirects(docs, cfg, names)
    problems += check(docs, dict(zip(names.values(), nbs.values())), cfg)
    if problems: sys.exit('\n'.join(problems))
    print(f'{docs.relative_to(cfg.config_path.resolve())}/index.html is ready '
          f'({"Quarto" if quarto else "smalldocs"})')
