"""Test notebooks as `nbdev_test` does, and count: its own output has no number, and it succeeds
when it finds no notebook.

Each notebook runs in a process of its own, with a limit of its own.
"""
import os, signal, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from fastcore.script import call_parse

ONE = """
import sys
from pathlib import Path
from nbdev.config import get_config
from nbdev.test import test_nb
path, flags, cfg = Path(sys.argv[1]), sys.argv[2].split(), get_config(path=Path(sys.argv[1]))
sys.exit(not test_nb(path, skip_flags=cfg.tst_flags.split(), force_flags=flags,
basepath=cfg.config_path)[0])
"""

def test(path:Path, flags:str, limit:int) -> tuple:
    "What went wrong in the notebook at `path`, or None; and how many seconds it took"
    start = time.time()
    # notebooks run side by side: threads that wait should not keep a core busy
    env = {'OMP_WAIT_POLICY': 'passive'} | os.environ
    process = subprocess.Popen([sys.executable, '-c', ONE, str(path), flags],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors='replace', start_new_session=True, env=env)
    try: log = process.communicate(timeout=limit)[0]
    except BaseException as e:  # too long, or interrupted: end it and its children
        os.killpg(process.pid, signal.SIGKILL)
        log = process.communicate()[0]
        if not isinstance(e, subprocess.TimeoutExpired): raise
        log += f'\nstopped after {limit} s'
    error = log.strip()[-6000:] or f'ended with {process.returncode}'
    return error if process.returncode else None, time.time() - start

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
    files.sort(key=lambda p: p.stat().st_size, reverse=True)
    start = time.time()
    with ThreadPoolExecutor(n_workers) as pool:
        results = dict(zip(files, pool.map(lambda p: test(p, flags, limit), files)))
    for file, (error, seconds) in results.items():
        print(f'{"FAILED" if error else "ok    "} {seconds:4.0f} s  {os.path.relpath(file)}')
    failed = {file: error for file, (error, _) in results.items() if error}
    for file, error in failed.items(): print(f'\nFAILED {os.path.relpath(file)}\n{error}')
    print(f'\n{time.time()-start:.0f} s for {len(files)} notebooks')
    print(f'{len(files)-len(failed)} passed, {len(failed)} failed')
    sys.exit(bool(failed) or not files)
