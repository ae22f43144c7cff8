"""Put the two cells that make a notebook open alone on a hosted runtime after its title.

One is the badge that opens it there, the other installs the package from its repository (and keeps
a torch that is already there). Both are made from `user`, `repo` and `branch` in settings.ini, as
are the addresses of the repository in the files of `PLACES` and the badges in nbs/images.
"""
import json, os, re, sys
from pathlib import Path
from fastcore.script import call_parse, Param
from save_outputs import write_atomic

BADGE, INSTALL = 'open-hosted', 'install-hosted'  # ids of the two cells
PLACES = '_quarto.yml', 'CITATION.cff', 'CONTRIBUTING.md'
INSTALLER = """\
#| hide
#| eval: false
# Installs the package on a hosted runtime, keeping the torch that is there; elsewhere does nothing.
import importlib.util, os
hosted = {'COLAB_RELEASE_TAG', 'KAGGLE_KERNEL_RUN_TYPE'} & os.environ.keys()
if hosted and importlib.util.find_spec('LIB') is None:
    package = 'WHAT'
    get_ipython().run_line_magic('pip', f'install -q "{package}"')"""

# Badges ------------------------------------------------------------------------------------------

def badge_svg(label:str, value:str, color:str) -> str:
    "A badge of two fields; the text is fitted to widths that any font can meet"
    a, b = (round(6.4*len(text) + 10) for text in (label, value))
    def words(text, x, width):
        fit = f'textLength="{width - 10}" lengthAdjust="spacingAndGlyphs"'
        return f'<text x="{x + width/2}" y="14" {fit}>{text}</text>'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{a + b}" height="20" role="img" '
            f'aria-label="{label}: {value}">'
            f'<clipPath id="r"><rect width="{a + b}" height="20" rx="3"/></clipPath>'
            f'<g clip-path="url(#r)"><rect width="{a}" height="20" fill="#10303f"/>'
            f'<rect x="{a}" width="{b}" height="20" fill="{color}"/></g>'
            f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" '
            f'font-size="11">'
            f'{words(label, 0, a)}{words(value, a, b)}</g></svg>\n')

def badges(cfg) -> dict:
    "name -> label, value, colour, where it leads"
    colab = f'https://colab.research.google.com/github/{cfg.user}/{cfg.repo}/blob/{cfg.branch}'
    return dict(colab=('open in', 'Colab', '#a85800', colab),
                tests=('tests', 'on each push', '#0173b2',
                       f'{cfg.git_url}/actions/workflows/test.yml'),
                licence=('licence', 'Apache-2.0', '#0173b2',
                         f'{cfg.git_url}/blob/{cfg.branch}/LICENSE'),
                python=('Python', f'{cfg.min_python}+', '#0173b2',
                        f'{cfg.git_url}/blob/{cfg.branch}/settings.ini'))

def badge_html(name:str, path:Path, cfg) -> str:
    "The badge `name` on the page of the notebook at `path`, and words where it cannot be seen"
    label, value, _, link = badges(cfg)[name]
    image = os.path.relpath(cfg.nbs_path/f'images/badge-{name}.svg', path.parent)
    image = image.replace(os.sep, '/')
    if name == 'colab': link += f'/{path.relative_to(cfg.config_path).as_posix()}'
    alt = f'{label.capitalize()} {value}'
    return f'<a href="{link}"><img src="{image}" alt="{alt}" height="20"></a>'

# Heads -------------------------------------------------------------------------------------------

def head_cells(path:Path, cfg, extras:str='') -> list:
    "The two cells for the notebook at `path`; `extras`, with commas between, are installed along"
    front = path == (cfg.nbs_path/cfg.readme_nb).resolve()
    names = ['colab', 'tests', 'licence', 'python'] if front else ['colab']
    row = '\n'.join(badge_html(name, path, cfg) for name in names)
    what = f'{cfg.lib_name}[{extras}] @ git+{cfg.git_url}' if extras else f'git+{cfg.git_url}'
    install = INSTALLER.replace('LIB', cfg.lib_name).replace('WHAT', what)
    return [dict(cell_type='markdown', id=BADGE, metadata={}, source=row.splitlines(True)),
            dict(cell_type='code', execution_count=None, id=INSTALL, metadata={}, outputs=[],
                 source=install.splitlines(True))]

def extras_named(cells:list, cfg) -> str:
    "Extras that a notebook tells its reader to install: `hvsa[laptop]` or `'.[laptop]'`"
    text = '\n'.join(''.join(c['source']) for c in cells)
    groups = re.findall(rf'(?:{cfg.lib_name}|\.)\[([\w,]+)\]', text)
    found = {name for group in groups for name in group.split(',')} - {'dev'}
    return ','.join(sorted(name for name in found if f'{name}_requirements' in cfg.d))

def with_heads(nb:dict, path:Path, cfg) -> dict:
    "The notebook `nb` with its two cells right after the title"
    cells = [c for c in nb['cells'] if c.get('id') not in (BADGE, INSTALL)]
    first = ''.join(cells[0]['source']) if cells and cells[0]['cell_type'] == 'markdown' else ''
    if not first.startswith('# '):
        raise ValueError(f'{path}: the first cell is not a Markdown cell that starts with "# "')
    title, *rest = [line for line in first.splitlines() if line.strip()]
    marks = [line[:2] for line in rest]
    # "- key: value" lines become options of the page
    if marks[:1] != ['> '] or set(marks[1:]) - {'- '}:
        raise ValueError(f'{path}: the first cell is not a title and one "> " line: '
                         'pages would drop the rest')
    return {**nb, 'cells': cells[:1] + head_cells(path, cfg, extras_named(cells, cfg)) + cells[1:]}

def addressed(text:str, cfg) -> str:
    "`text` with the repository's addresses of settings.ini"
    text = re.sub(rf'https://github\.com/[\w.-]+/{cfg.repo}\b', cfg.git_url, text)
    return re.sub(rf'https://[\w-]+\.github\.io/{cfg.repo}\b', cfg.doc_host + cfg.doc_baseurl, text)

def other_files(cfg) -> dict:
    "What else is made from settings.ini: path -> text"
    folder = cfg.nbs_path/'images'
    made = {folder/f'badge-{name}.svg': badge_svg(*b[:3]) for name, b in badges(cfg).items()}
    for path in (cfg.config_path/name for name in PLACES):
        text = addressed(path.read_text(encoding='utf-8'), cfg)
        if path.suffix == '.cff': text = re.sub('(?m)^version: .*', f'version: {cfg.version}', text)
        made[path] = text
    return made

@call_parse
def main(
    paths:Param('Notebooks (default: all under nbs/)', str, nargs='*'),
    check:bool=False, # Change nothing; fail where a head is missing or out of date
):
    "Insert or update badge and install cell of each notebook, and what else follows settings.ini"
    from nbdev.config import get_config
    from nbdev.doclinks import nbglob
    cfg, wanted, problems = get_config(), {}, []
    for path in [Path(p).resolve() for p in (paths or sorted(nbglob()))]:
        try:
            nb = with_heads(json.loads(path.read_text(encoding='utf-8')), path, cfg)
            wanted[path] = json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + '\n'
        except (ValueError, OSError) as e: problems.append(str(e))
    if not paths: wanted |= other_files(cfg)
    for path, text in wanted.items():
        old = path.read_text(encoding='utf-8') if path.exists() else ''
        if old == text: continue
        name = path.relative_to(cfg.config_path)
        if path.suffix == '.ipynb' and json.loads(old) == json.loads(text): continue
        if check:
            problems.append(f'{name}: run tools/heads.py')
            continue
        path.touch()
        write_atomic(path, text)
        print(f'{name}: written')
    if problems: sys.exit('\n'.join(problems))
