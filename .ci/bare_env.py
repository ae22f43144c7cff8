"""An environment that holds one wheel and what it requires, nothing of the dev extra.

    python .ci/bare_env.py WHEEL FOLDER

torch, torchvision and what they require are linked from the environment that runs this script,
which spares a download of gigabytes; pip installs the wheel and the rest as it would for a user. Then
`pip check` must be content, every module must import and every command explain itself.
"""
import subprocess, sys, venv
from importlib.metadata import distribution
from pathlib import Path
from packaging.requirements import Requirement  # comes with build

wheel, target = Path(sys.argv[1]), Path(sys.argv[2])
venv.create(target, with_pip=False)
python = target/'bin/python'
ask = 'import sysconfig; print(sysconfig.get_paths()["purelib"])'
site = Path(subprocess.check_output([python, '-c', ask], text=True).strip())

def required(name, extras):
    "Requirements of an installed distribution that hold here"
    for text in distribution(name).requires or []:
        req = Requirement(text)
        if not req.marker or any(req.marker.evaluate({'extra': e}) for e in ('', *extras)):
            yield req.name, req.extras

linked, todo = set(), [('torch', ()), ('torchvision', ())]
while todo:
    name, extras = todo.pop()
    if name in linked: continue
    linked.add(name)
    todo += required(name, extras)
    dist = distribution(name)
    for top in {f.parts[0] for f in dist.files or [] if f.parts[0] not in ('..', '__pycache__')}:
        if not (site/top).exists(): (site/top).symlink_to(dist.locate_file(top))

pip = [sys.executable, '-m', 'pip', '--python', str(python)]
subprocess.run([*pip, 'install', '-q', str(wheel)], check=True)
subprocess.run([*pip, 'check'], check=True)
code = """
import importlib, importlib.metadata, importlib.util, pkgutil, hvsa
assert 'site-packages' in hvsa.__file__, hvsa.__file__
def fail(name): raise
found = pkgutil.walk_packages(hvsa.__path__, 'hvsa.', onerror=fail)
names = sorted(m.name for m in found if '._' not in m.name)
for name in names: importlib.import_module(name)
dev = [name for name in ('nbdev', 'IPython', 'jupyterlab') if importlib.util.find_spec(name)]
assert names and not dev, f'the dev extra is here: {dev}'
print('modules:', *names)
for e in importlib.metadata.entry_points(group='console_scripts'):
    if e.value.startswith('hvsa'): print('command', e.name)
"""
out = subprocess.run([python, '-I', '-c', code], check=True, text=True, stdout=subprocess.PIPE,
                     cwd=target).stdout
print(out)
commands = [line.split()[1] for line in out.splitlines() if line.startswith('command ')]
for command in commands:
    subprocess.run([target/'bin'/command, '--help'], check=True, cwd=target,
                   stdout=subprocess.DEVNULL)
print(f'note: {len(out.splitlines()[0].split()) - 1} modules, {len(commands)} commands')
