"""Try the rules of nbs/about/properties.ipynb on many inputs: `python tools/properties.py`.

Prints each rule as soon as it is known, and at the end the page's own table. Exit code 1 where a
rule is broken.
"""
import json, linecache, os, sys, time
from pathlib import Path
from fastcore.script import call_parse

PAGE = Path(__file__).parent.parent/'nbs/about/properties.ipynb'

def cells(page:Path):
    "Code of the page in order, without figures and what only notebooks run"
    for cell in json.loads(page.read_text(encoding='utf-8'))['cells']:
        source = ''.join(cell['source'])
        skip = '#| eval: false' in source or '#| fig-alt' in source or cell['id'].endswith('verdict')
        if cell['cell_type'] == 'code' and not skip: yield cell['id'], source

def told(holds, table:dict, wanted:str):
    "`holds` of the page, for some rules only, and saying how each did"
    def holds_and_tells(rule, *args, **strategies):
        if wanted not in rule: return lambda f: f
        def try_it(f):
            start, f = time.process_time(), holds(rule, *args, **strategies)(f)
            kept, broken = table[rule]
            print(f'{"BROKEN" if broken else "ok":6} {kept:6} inputs '
                  f'{time.process_time() - start:5.0f} s  {rule}', flush=True)
            return f
        return try_it
    return holds_and_tells

@call_parse
def main(
    examples:int=2000, # Inputs for each rule
    seed:int=None, # Other inputs; default: the same ones each time
    rules:str='', # Only rules that hold this text
):
    "Try the rules of the page of properties on many inputs, and print how often each was kept"
    os.environ['HVSA_EXAMPLES'] = str(examples)
    if seed is not None: os.environ['HVSA_EXAMPLES_SEED'] = str(seed)
    os.environ.setdefault('MPLBACKEND', 'Agg')
    sys.path.insert(0, str(PAGE.parent.parent.parent))
    names = {'__name__': '__main__'}
    for name, source in cells(PAGE):    # its source is looked up: inputs follow from it
        linecache.cache[name] = len(source), None, source.splitlines(True), name
        exec(compile(source, name, 'exec'), names)
        if 'holds' in names and not hasattr(names['holds'], 'told'):
            names['holds'] = told(names['holds'], names['TABLE'], rules)
            names['holds'].told = True
    sys.exit(any(broken for _, broken in names['TABLE'].values()))
