"""Put the two cells that make a notebook open alone on a hosted runtime after its title.

One is the badge that opens it there, the other installs the package from its repository (and keeps
a torch that is already there). Both are made from `user`, `repo` and `branch` in settings.ini.
"""
import json, sys
from pathlib import Path
from fastcore.script import call_parse, Param
from save_outputs import write_atomic

BADGE, INSTALL = 'open-hosted', 'install-hosted'  # ids of the two cells

def head_cells(path:Path, cfg, extra:str='') -> list:
    "The two cells for the notebook at `path`; `extra` is installed along"
    place = f'{cfg.user}/{cfg.repo}/blob/{cfg.branch}/{path.relative_to(cfg.config_path).as_posix()}'
    badge = ('[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]'
             f'(https://colab.research.google.com/github/{place})')
    install = ('#| hide\n#| eval: false\n'
               '# On a hosted runtime, run this first: it installs the package and keeps the torch that is there.\n'
               + (f"%pip install -q '{cfg.lib_name}[{extra}] @ git+{cfg.git_url}'" if extra else f'%pip install -q git+{cfg.git_url}'))
    return [dict(cell_type='markdown', id=BADGE, metadata={}, source=badge.splitlines(True)),
            dict(cell_type='code', execution_count=None, id=INSTALL, metadata={}, outputs=[], source=install.splitlines(True))]

def with_heads(nb:dict, path:Path, cfg) -> dict:
    "The notebook `nb` with its two cells right after the title"
    cells = [c for c in nb['cells'] if c.get('id') not in (BADGE, INSTALL)]
    if not cells or cells[0]['cell_type'] != 'markdown' or not ''.join(cells[0]['source']).startswith('# '):
        raise ValueError(f'{path}: the first cell is not a Markdown cell that starts with "# "')
    title, *rest = [line for line in ''.join(cells[0]['source']).splitlines() if line.strip()]
    if [line[:2] for line in rest] != ['> ']: raise ValueError(f'{path}: the first cell is not a title and one "> " line: pages would drop the rest')
    extra = 'laptop' if any('[laptop]' in ''.join(c['source']) for c in cells) else ''  # pages that say they need it
    return {**nb, 'cells': cells[:1] + head_cells(path, cfg, extra) + cells[1:]}

@call_parse
def main(
    paths:Param('Notebooks (default: all under nbs/)', str, nargs='*'),
    check:bool=False, # Change nothing; fail where a head is missing or out of date
):
    "Insert or update the badge and the install cell of each notebook"
    from nbdev.config import get_config
    from nbdev.doclinks import nbglob
    cfg, problems = get_config(), []
    for path in [Path(p).resolve() for p in (paths or sorted(nbglob()))]:
        try:
            old = json.loads(path.read_text(encoding='utf-8'))
            new = with_heads(old, path, cfg)
        except (ValueError, OSError) as e: problems.append(str(e)); continue
        if new == old: continue
        if check: problems.append(f'{path.relative_to(cfg.config_path)}: run tools/heads.py')
        else:
            write_atomic(path, json.dumps(new, sort_keys=True, indent=1, ensure_ascii=False) + '\n')
            print(f'{path.relative_to(cfg.config_path)}: head written')
    if problems: sys.exit('\n'.join(problems))
