"""What an installed hvsa must do on every system: `python .ci/small_work.py`, in any folder but the package's own.

Every module is imported; a toy set is drawn, checked and prepared; a run is trained in seconds, gone on with, scored,
indexed, asked and compared. Each command runs in a process of its own, as a user starts it.
"""
import importlib, json, os, pkgutil, subprocess, sys, sysconfig, tempfile
from pathlib import Path

OPTIONAL = 'IPython', 'nbdev', 'playwright', 'rasterio', 'onnx', 'starlette', 'optuna', 'pymilvus'
SMALL = '--epochs 1 --batch_size 16 --width 4 --word_dim 8 --hidden 16 --dim 16 --size 33 --min_freq 1 --keys 4 --quiet'
LINES = f"""hvsa_toy --out toy --n 20 --size 40 --quiet
hvsa_check toy --quiet
hvsa_prepare toy made --quiet
hvsa_train --data toy --out run {SMALL}
hvsa_train --resume --out run --epochs 2 --quiet
hvsa_eval run --quiet
hvsa_index run --images toy/images --out gallery --quiet
hvsa_search gallery trees --json
hvsa_train --data toy --out seeds --seeds 1,2 {SMALL}"""

def modules() -> int:
    "How many modules of the installed package can be imported; those of extras may say what they want."
    import hvsa
    names = [m.name for m in pkgutil.walk_packages(hvsa.__path__, 'hvsa.')]
    for name in names:
        try: importlib.import_module(name)
        except ImportError as e:
            if not str(e.name).startswith(OPTIONAL): raise
    return len(names)

def main():
    scripts = Path(sysconfig.get_path('scripts'))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        print(modules(), 'modules')
        for line in LINES.splitlines():
            name, *args = line.split()
            done = subprocess.run([scripts/name, *args], capture_output=True, text=True, encoding='utf-8')
            print(f'{done.returncode}  {line[:60]}', flush=True)
            if done.returncode or 'Traceback' in done.stderr: sys.exit(done.stdout[-2000:] + done.stderr[-4000:])
        result = json.loads(Path('run/metrics.json').read_text(encoding='utf-8'))
        assert result['epochs'] == 2, result
        left = [str(p) for p in Path().rglob('*') if '.part' in p.name]
        assert not left, left
        os.chdir(scripts)
    print(f'note: {len(LINES.splitlines())} commands')

if __name__ == '__main__': main()
