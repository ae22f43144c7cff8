"""Run `nbdev_test` once and count: its own output has no number, and it succeeds when it finds no notebook."""
import os, re, shutil, signal, subprocess, sys, time
from pathlib import Path
from fastcore.script import call_parse

def verdicts(log:str, files:list) -> dict:
    "What went wrong in each notebook that failed, from the log of `nbdev_test --do_print`"
    failed = {}
    for m in re.finditer(r'^(\w[\w.]*) in (\S+\.ipynb):\n=+\n(.*?)(?=^Starting |^- Completed |^\w[\w.]* in \S+\.ipynb:$|^nbdev Tests Failed|\Z)', log, re.M | re.S):
        failed[Path(m.group(2))] = m.group(3).strip()
    done = {Path(p) for p in re.findall(r'^- Completed (\S+\.ipynb)', log, re.M)}
    named = set(re.findall(r'^\t(\S+\.ipynb)$', log, re.M))
    for path in files:
        if path not in done: failed.setdefault(path, 'did not run to its end')
        elif path.name in named and not any(p.name == path.name for p in failed): failed[path] = 'failed without a message'
    return failed

def run(args:list, limit:int) -> tuple:
    "What `args` printed, and its exit code; it and its children are ended after `limit` seconds"
    env = {'OMP_WAIT_POLICY': 'passive'} | os.environ  # notebooks run side by side: threads that wait should not keep a core busy
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env=env)
    try: log = process.communicate(timeout=limit)[0]
    except BaseException as e:  # too long, or interrupted
        os.killpg(process.pid, signal.SIGKILL)
        if not isinstance(e, subprocess.TimeoutExpired): raise
        log = process.communicate()[0]
    return log, process.returncode

@call_parse
def main(
    path:str=None, # A notebook or folder (default: all notebooks)
    n_workers:int=None, # Notebooks at a time (default: nbdev_test's)
    flags:str='', # Flags whose cells run too, separated by spaces
    limit:int=1200, # Seconds after which notebooks that still run have failed
):
    "Run nbdev_test, name each notebook that failed with its error, and count"
    from nbdev.doclinks import nbglob
    files = [Path(p).absolute() for p in sorted(nbglob(path))] if not path or Path(path).is_dir() else [Path(path).absolute()]
    program = shutil.which('nbdev_test') or str(Path(sys.executable).parent/'nbdev_test')
    args = [program, '--do_print', '--timing'] + (['--path', path] if path else []) + (['--flags', flags] if flags else [])
    if n_workers is not None: args += ['--n_workers', str(n_workers)]
    start = time.time()
    log, code = run(args, limit)
    failed = verdicts(log, files)
    if code and not failed: failed = {path: f'nbdev_test ended with {code}' for path in files}
    for name, error in failed.items(): print(f'FAILED {os.path.relpath(name)}\n{error}\n')
    if 'did not run to its end' in failed.values(): print(f'The end of what nbdev_test said:\n{log[-1500:]}\n')
    for line in re.findall(r'^\S+\.ipynb: \d+ secs$', log, re.M): print(line)
    print(f'{time.time()-start:.0f} s for {len(files)} notebooks')
    print(f'{len(files)-len(failed)} passed, {len(failed)} failed')
    sys.exit(bool(failed) or not files)
