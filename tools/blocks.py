"""Open each page of the method with its block of `nbs/00_whole_method.ipynb`.

Block N of that page (its cell `b10c000N`) stands as a fenced listing near the top of page N, so that a reader sees
first what is taken apart. Copies go out of date; `--check` says so.
"""
import json, sys
from fastcore.script import call_parse
from save_outputs import write_atomic

CELL = 'whole-block'  # id of the cell on each page

def with_block(nb:dict, block:str) -> dict:
    "The notebook `nb` with the listing after its first section"
    text = f'In [the whole method](00_whole_method.ipynb), this page is:\n\n```python\n{block}\n```'
    cells = [c for c in nb['cells'] if c['id'] != CELL]
    why = next(i for i, c in enumerate(cells) if '## Why this piece exists' in ''.join(c['source']))
    made = dict(cell_type='markdown', id=CELL, metadata={}, source=text.splitlines(True))
    return {**nb, 'cells': cells[:why + 1] + [made] + cells[why + 1:]}

@call_parse
def main(
    check:bool=False, # Change nothing; fail where a listing is missing or out of date
):
    "Insert or update the listing on each page of the method"
    from nbdev.config import get_config
    nbs, problems = get_config().nbs_path, []
    whole = json.loads((nbs/'00_whole_method.ipynb').read_text(encoding='utf-8'))
    blocks = {c['id'][-1]: ''.join(c['source']).split('\n', 1)[1] for c in whole['cells'] if c['id'].startswith('b10c')}
    for path in sorted(nbs.glob('0[1-9]_*.ipynb')):
        old = json.loads(path.read_text(encoding='utf-8'))
        new = with_block(old, blocks[path.name[1]])
        if new == old: continue
        if check: problems.append(f'{path.name}: run tools/blocks.py')
        else:
            write_atomic(path, json.dumps(new, sort_keys=True, indent=1, ensure_ascii=False) + '\n')
            print(f'{path.name}: listing written')
    if problems: sys.exit('\n'.join(problems))
