"""Test notebooks as `nbdev_test` does, and count: its own output has no number, and it succeeds
when it finds no notebook.

Each notebook runs in a process of its own, with a limit of its own. These processes are forked
from one that has imported what nearly every notebook imports, and has done nothing else.
"""
import multiprocessing, os, signal, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from fastcore.script import call_parse

# not hvsa: a notebook's own definitions are under test, and it imports what it needs of the rest
LONG = 'use/compare', 'experiments/compare', 'experiments/run_folder'  # these train many times
PRELOAD = ['torch', 'torchvision', 'matplotlib.pyplot', 'seaborn', 'nltk', 'nbdev.test', 'nbdev.config']

def run(path:str, flags:list, log:str):
    "Test one notebook; what it prints goes to the file `log`"
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2): os.dup2(out, stream)
    from nbdev.config import get_config
    from nbdev.test import test_nb
    cfg = get_config(path=Path(path))
    good = test_nb(Path(path), skip_flags=cfg.tst_flags.split(), force_flags=flags,
                   basepath=cfg.config_path)[0]
    sys.exit(not good)

def test(path:Path, flags:str, limit:int, context, folder:str) -> tuple:
    "What went wrong in the notebook at `path`, or None; and how many seconds it took"
    start, log = time.time(), Path(folder)/f'{abs(hash(path))}.log'
    process = context.Process(target=run, args=(str(path), flags.split(), str(log)))
    process.start()
    try: process.join(limit)
    finally:  # too long, or interrupted: end it and its children
        late = process.is_alive()
        if late: os.killpg(process.pid, signal.SIGKILL)
        process.join()
    said = log.read_text(encoding='utf-8', errors='replace') if log.exists() else ''
    if late: said += f'\nstopped after {limit} s'
    error = said.strip()[-6000:] or f'ended with {process.exitcode}'
    return error if process.exitcode else None, time.time() - start

@call_parse
def main(
    path:str=None, # A notebook or folder (default: all notebooks)
    n_workers:int=min(4, os.cpu_count() or 1), # Notebooks at a time
    flags:str='', # Flags whose cells run too, separated by spaces
    limit:int=1200, # Seconds after which a notebook that still runs has failed
):
    "Test notebooks, name each that failed with its error, and count"
    from nbdev.doclinks import nbglob
    files = sorted(nbglob(path)) if not path or Path(path).is_dir() else [path]
    files = [Path(p).absolute() for p in files]
    # long ones first, so that none is left over at the end
    long = lambda p: p.with_suffix('').as_posix().endswith(LONG)
    files.sort(key=lambda p: (long(p), p.stat().st_size), reverse=True)
    os.environ.setdefault('OMP_WAIT_POLICY', 'passive')  # side by side, none keeps a core busy
    # nor do they ask for more threads than there are cores
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, (os.cpu_count() or 1)//n_workers)))
    context, start = multiprocessing.get_context('forkserver'), time.time()
    context.set_forkserver_preload(PRELOAD)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(n_workers) as pool:
        results = dict(zip(files, pool.map(lambda p: test(p, flags, limit, context, folder), files)))
    for file, (error, seconds) in results.items():
        print(f'{"FAILED" if error else "ok    "} {seconds:4.0f} s  {os.path.relpath(file)}')
    failed = {file: error for file, (error, _) in results.items() if error}
    for file, error in failed.items(): print(f'\nFAILED {os.path.relpath(file)}\n{error}')
    print(f'\n{time.time()-start:.0f} s for {len(files)} notebooks')
    print(f'{len(files)-len(failed)} passed, {len(failed)} failed')
    sys.exit(bool(failed) or not files)
