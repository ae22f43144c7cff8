"""Run notebooks from top to bottom and keep their outputs.

Cells run exactly as `nbdev_test` runs them: those marked `#| eval: false` or with a flag of
settings.ini's `tst_flags` are left out, and keep the outputs they have. A notebook is written
only when all of its cells ran, in one step, and already as `nbdev_clean` would leave it.

Figures are stored as a PNG of twice the width at which they are shown; those of a cell marked
`#| svg` as vector graphics, which is best for lines. Neither warnings nor progress bars are stored.
"""
import base64, io, json, multiprocessing, os, re, sys, tempfile, time
from pathlib import Path
from fastcore.script import Param, call_parse

ANSI = re.compile(r'\x1b\[[0-9;?]*[A-Za-z]')

def tidy(text:str, root:Path) -> str:
    "`text` as a terminal would show it at the end, without colours and paths of this machine"
    lines = [ANSI.sub('', line).rstrip('\r').split('\r')[-1] for line in text.split('\n')]
    text = '\n'.join(lines)
    for prefix in sorted({str(p) for p in (*sys.path, sys.prefix, root)}, key=len, reverse=True):
        if len(prefix) > 5: text = text.replace(f'{prefix}/', '')
    return text.replace(f'{Path.home()}/', '~/')

SHOWN = 880  # pixels of a page's width; figures are stored at twice the width they are shown at

def smaller(
    png:str, meta:dict, # as stored in notebooks: base64, and how large it is shown
    palette:int=100_000, # bytes above which it has 256 colours
    photo:int=250_000, # bytes above which it is a JPEG, and of a JPEG, which then has less detail
) -> tuple: # kind, base64, metadata
    "A figure no wider than twice a page; large ones with fewer colours, photographs as JPEG"
    from PIL import Image
    raw = base64.b64decode(png)
    image = Image.open(io.BytesIO(raw))
    if 'width' in meta:
        meta = {'width': min(SHOWN, meta['width']),
                'height': round(meta['height']*min(1, SHOWN/meta['width']))}
    if image.width > 2*SHOWN:
        size, out = (2*SHOWN, round(image.height*2*SHOWN/image.width)), io.BytesIO()
        image = image.convert('RGB').resize(size, Image.Resampling.LANCZOS)
        image.save(out, 'PNG', optimize=True)
        raw = out.getvalue()
    if len(raw) <= palette: return 'image/png', base64.b64encode(raw).decode(), meta
    out, image = io.BytesIO(), image.convert('RGB')
    few = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(out, 'PNG', optimize=True)
    if len(out.getvalue()) <= photo:
        return 'image/png', base64.b64encode(out.getvalue()).decode(), meta
    for width, quality in (image.width, 85), (1440, 75), (1440, 60), (1400, 50):
        out, width = io.BytesIO(), min(width, image.width)
        shown = image.resize((width, round(image.height*width/image.width)),
                             Image.Resampling.LANCZOS)
        shown.save(out, 'JPEG', quality=quality, optimize=True)
        if len(out.getvalue()) <= photo: break
    if meta.get('width', 0) > width//2:
        meta = {'width': width//2, 'height': round(meta['height']*width/2/meta['width'])}
    return 'image/jpeg', base64.b64encode(out.getvalue()).decode(), meta

BAR = re.compile(r'\d+%\||\dit/s|s/it')  # of tqdm

def tidy_outputs(outputs:list, root:Path) -> list:
    "Stored form of the outputs of one cell: no warnings, no progress bars, small figures"
    kept = []
    for out in outputs:
        if out['output_type'] == 'stream':
            lines = tidy(''.join(out['text']), root).splitlines(True)
            out['text'] = [line for line in lines if not BAR.search(line)]
            if out.get('name') == 'stderr' or not ''.join(out['text']).strip(): continue
        data = out.get('data', {})
        if 'text/plain' in data:
            data['text/plain'] = tidy(''.join(data['text/plain']), root).splitlines(True)
        if 'image/svg+xml' in data:
            data['image/svg+xml'] = ''.join(data['image/svg+xml']).splitlines(True)
        elif 'image/png' in data:
            meta = out['metadata'].pop('image/png', {})
            kind, figure, meta = smaller(''.join(data.pop('image/png')), meta)
            data[kind] = figure
            if meta: out['metadata'][kind] = meta
        kept.append(out)
    return kept

def draw_as(shell, kind:str):
    "Figures of the next cells as `retina`, a PNG of twice the shown width, or as `svg`"
    import matplotlib
    from IPython.core.pylabtools import select_figure_formats
    matplotlib.rcParams['svg.hashsalt'] = 'hvsa'
    select_figure_formats(shell, {kind}, **({'metadata': {'Date': None}} if kind == 'svg' else {}))

def write_atomic(path:Path, text:str):
    "Replace the file at `path` by `text` in one step"
    with tempfile.NamedTemporaryFile('w', encoding='utf-8', dir=path.parent, prefix='.',
                                     suffix='.tmp', delete=False) as f:
        f.write(text)
    os.chmod(f.name, path.stat().st_mode & 0o777)
    os.replace(f.name, path)

def run_notebook(path:Path, force_flags:set) -> dict:
    "Run the notebook; outputs of the cells that ran, by id. RuntimeError names cell and error"
    from execnb.shell import CaptureShell
    from nbdev.config import get_config
    from nbdev.frontmatter import FrontmatterProc
    from nbdev.process import NBProcessor
    cfg = get_config()
    skip = set(cfg.tst_flags.split()) - force_flags
    os.environ['IN_TEST'] = '1'
    sys.path.insert(0, str(cfg.config_path))
    nb = NBProcessor(path, procs=FrontmatterProc, process=True).nb
    os.chdir(path.parent)
    shell, outputs = CaptureShell(path), {}
    for cell in nb.cells:
        marks = cell.get('directives_') or {}
        if cell.cell_type != 'code' or skip & marks.keys() or 'nbdev_export'+'(' in cell.source:
            continue
        if marks.get('eval:', [''])[0].lower() == 'false': continue
        draw_as(shell, 'svg' if 'svg' in marks else 'retina')
        made = shell.run(cell.source)
        if shell.exc:
            error = made and next((o for o in made if o['output_type'] == 'error'), None)
            trace = ANSI.sub('', ''.join(error['traceback'])) if error else repr(shell.exc)
            raise RuntimeError(f'cell {cell.idx_} (id {cell.id}):\n\n{cell.source}\n\n{trace}')
        outputs[cell.id] = tidy_outputs(list(made), cfg.config_path)
    return outputs

def save(path:Path, force_flags:set):
    "Run the notebook at `path` and store what its cells made"
    from execnb.nbio import nb2str
    from nbdev.clean import clean_nb
    before = path.read_text(encoding='utf-8')
    nb, start = json.loads(before), time.time()
    for cell in nb['cells']:
        if 'id' not in cell: raise RuntimeError('a cell has no id: run nbdev_clean first')
        cell['source'] = ''.join(cell['source']).splitlines(True)
    outputs = run_notebook(path, force_flags)
    for cell in nb['cells']:
        if cell['id'] in outputs and cell['cell_type'] == 'code':
            cell['outputs'] = outputs[cell['id']]
    clean_nb(nb)
    if path.read_text(encoding='utf-8') != before:
        raise RuntimeError('the file changed while it ran: nothing was written, run again')
    write_atomic(path, nb2str(nb))
    n_code = sum(c['cell_type'] == 'code' for c in nb['cells'])
    made = [o.get('data', {}) for c in nb['cells'] for o in c.get('outputs', [])]
    figures = sum(any(kind.startswith('image/') for kind in data) for data in made)
    print(f'{path.name}: {len(outputs)} of {n_code} code cells run in {time.time()-start:.1f} s, '
          f'{figures} figures, {path.stat().st_size/1e3:.0f} kB')

def faults(path:Path) -> list:
    "What is wrong with the outputs stored in the notebook at `path`"
    nb, problems = json.loads(path.read_text(encoding='utf-8')), []
    code = [c for c in nb['cells'] if c['cell_type'] == 'code']
    outputs = [o for c in code for o in c['outputs']]
    texts = [o.get('text', []) for o in outputs]
    texts += [o.get('data', {}).get('text/plain', []) for o in outputs]
    shown = ''.join(''.join(text) for text in texts)
    ids = [c.get('id') for c in nb['cells']]
    if len(set(ids)) < len(ids) or None in ids:
        problems.append('cells without an id, or with the same one')
    if not outputs: problems.append('no cell holds an output')
    problems += [f'cell {c.get("id")} holds an error' for c in code for o in c['outputs']
                 if o['output_type'] == 'error']
    problems += [f'a path of one machine stands in an output: {m}'
                 for m in re.findall(r'(?<![\w.])/(?:root|home|work|Users|tmp|content)/\S*', shown)]
    if path.stat().st_size > 3e6:
        problems.append(f'{path.stat().st_size/1e6:.1f} MB: make the figures smaller')
    return problems

def job(path, force_flags):
    try: save(path, force_flags)
    except RuntimeError as e: sys.exit(f'{path}: not saved\n{"="*75}\n{e}')

@call_parse
def main(
    paths:Param('Notebooks (default: all under nbs/)', str, nargs='*'),
    flags:str='', # Flags whose cells run too, separated by commas or spaces: slow,gpu
    check:bool=False, # Run nothing; fail where a notebook has no stored outputs, or a stored error
):
    "Run notebooks from top to bottom as nbdev_test does, and write their outputs back"
    from nbdev.doclinks import nbglob
    files = [Path(p).resolve() for p in (paths or sorted(nbglob()))]
    if missing := [str(p) for p in files if not p.is_file()]:
        sys.exit(f'no such notebook: {", ".join(missing)}')
    if check:
        problems = [f'{path.name}: {problem}' for path in files for problem in faults(path)]
        return sys.exit('\n'.join(problems) if problems else 0)
    failed, context = 0, multiprocessing.get_context('spawn')
    for path in files:  # each in a process of its own: no state passes from one to the next
        p = context.Process(target=job, args=(path, set(re.split(r'[,\s]+', flags)) - {''}))
        p.start()
        p.join()
        failed += p.exitcode != 0
    if failed: sys.exit(f'{failed} of {len(files)} notebooks not saved')
