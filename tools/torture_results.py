"""What a command left behind, in a form in which two runs are equal to the last bit or not at all.

Times are left out (they differ), and what a program of somebody else writes with a date in it.
"""
import csv, hashlib, io, json, sqlite3
from pathlib import Path

TIMES = 'seconds', 'cost', 'peak_memory_gb', 'sha256'  # keys and columns that hold times, and a seal over them
LOOSE = '.svg', '.sqlite-journal', 'trials.sqlite', 'search.sqlite' # only their being there counts

def without_times(x):
    if isinstance(x, dict): return {k: without_times(v) for k, v in x.items() if k not in TIMES}
    return [without_times(v) for v in x] if isinstance(x, list) else x

def plain(x):
    "Tensors as text, so that a state can be held against another."
    if hasattr(x, 'detach'):
        return [str(x.dtype), list(x.shape), hashlib.sha256(x.detach().cpu().numpy().tobytes()).hexdigest()]
    if isinstance(x, dict): return {str(k): plain(v) for k, v in x.items()}
    return [plain(v) for v in x] if isinstance(x, list | tuple) else x

def state_of(file:Path) -> dict:
    import torch
    return torch.load(file, map_location='cpu', weights_only=True)

def table(file:Path) -> str:
    rows = list(csv.reader(io.StringIO(file.read_text(encoding='utf-8'))))
    keep = [i for i, name in enumerate(rows[0]) if name not in TIMES] if rows else []
    return str([[row[i] for i in keep] for row in rows])

def database(file:Path) -> str:
    with sqlite3.connect(f'file:{file}?mode=ro', uri=True) as db:
        names = sorted(n for n, in db.execute("select name from sqlite_master where type = 'table'"))
        rows = {name: sorted(map(repr, db.execute(f'select * from "{name}"'))) for name in names}
    db.close()
    return str(rows)

def content(file:Path) -> str:
    "What a file holds, as text; files that say the same give the same."
    import numpy as np
    name = file.name
    if name.endswith(LOOSE): return 'there'
    try:
        if name.endswith('.json'): return str(without_times(json.loads(file.read_text(encoding='utf-8'))))
        if name.endswith('.csv'): return table(file)
        if name == 'state.pt': return str(without_times(plain(state_of(file))))
        if name == 'gallery.sqlite': return database(file)
        if name.endswith('.npz'):
            with np.load(file, allow_pickle=False) as arrays: return str(plain_arrays(arrays))
        if name.endswith('.md'): return without_seconds(file.read_text(encoding='utf-8'))
    except Exception as e: return f'unreadable: {type(e).__name__}'
    return hashlib.sha256(file.read_bytes()).hexdigest()

def plain_arrays(arrays) -> dict:
    return {k: [str(a.dtype), a.shape, hashlib.sha256(a.tobytes()).hexdigest()] for k, a in arrays.items()}

def without_seconds(text:str) -> str:
    "A table of trials or rows without its last column, where that is of seconds."
    lines = text.splitlines()
    if not lines or 'seconds' not in lines[0]: return text
    return '\n'.join(line.rstrip(' |').rpartition('|' if '|' in line else ' ')[0].rstrip() for line in lines)

def said(text:str) -> str:
    "What a command printed, without its seconds."
    blocks = text.split('\n\n')
    return '\n\n'.join(without_seconds(block) for block in blocks)

def snapshot(folder:Path, hidden:bool=True) -> dict[str, str]:
    "path -> content, of every file below `folder` but locks; folders with a slash at the end."
    found = {}
    for path in sorted(folder.rglob('*')):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink(): found[name] = 'link'
        elif path.is_dir(): found[f'{name}/'] = 'folder'
        elif path.suffix != '.lock' and path.name != '.lock': found[name] = content(path).replace(str(folder), '.')
    return found

# What must not be lost ---------------------------------------------------------------------------

def kept(folder:Path) -> dict[str, list]:
    """What is finished at this moment, with its times, which would differ if it were done again: epochs of each
    training, results, trials. A file that cannot be read stands as such."""
    found = {}
    for file in sorted(folder.rglob('*')):
        name = file.relative_to(folder).as_posix()
        if '/.' in f'/{name}': continue
        try:
            if file.name == 'state.pt': found[name] = [row['seconds'] for row in state_of(file)['history']]
            elif file.name in ('metrics.json', 'validation.json'):
                if not (file.parent/'retrieval.png').exists(): continue  # scored again, to be drawn
                result = json.loads(file.read_text(encoding='utf-8'))
                found[f'{name} of {result["epochs"]} epochs'] = [result['cost']]
            elif file.parent.name == 'histories' and file.suffix == '.json':
                found[name] = [row['seconds'] for row in json.loads(file.read_text(encoding='utf-8'))['history']]
            elif file.suffix in ('.npy', '.safetensors') and not file.read_bytes(): found[name] = ['empty']
        except FileNotFoundError: continue
        except Exception as e: found[name] = [f'half a file: {type(e).__name__}']
    return found

def lost(before:dict[str, list], after:dict[str, list]) -> list[str]:
    "What was finished before and is not, or was done again, after."
    before = {name: rows for name, rows in before.items() if not name.endswith('epochs') or name in after
              or not any(n.startswith(name.split()[0]) for n in after)}     # a run was made longer
    out = [f'{name} {rows[-1]}' for name, rows in before.items() if rows and str(rows[-1]).startswith(('half', 'empty'))]
    return out + [f'{name}: {len(rows)} finished, done again' for name, rows in before.items()
                  if name not in ' '.join(out) and after.get(name, [])[:len(rows)] != rows]
