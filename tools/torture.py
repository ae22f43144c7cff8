"""Nothing lost, nothing silent: commands are killed, starved of disk, given damaged files, links and company.

    python tools/torture.py                     # every group, 100 kills: half an hour
    python tools/torture.py --small             # a fixed choice of cases, at most 3 minutes on two cores
    python tools/torture.py --only kill:train --seed 3 --case 17   # one case again

Whatever happens to a command, the same command again must end as an uninterrupted one: equal to the last bit, no
finished epoch trained again, nothing left over; what cannot work says so in one line. The table counts the cases
in which that was not so; exit code 1 unless there are none.
"""
import json, os, random, re, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path
from typing import NamedTuple
from fastcore.script import call_parse
from forked import (ROOT, Child, Ended, commands, copy, limit_files, on_change, own_mounts, read_only, small_disk,
                    unmount)
from torture_results import kept, lost, said, snapshot

COLUMNS = 'lost', 'unequal', 'traceback', 'hang', 'silent', 'leftover', 'message'
SMALL = ('--epochs 3 --batch_size 16 --width 4 --word_dim 8 --hidden 16 --dim 16 --size 33 --min_freq 1 --keys 4 '
         '--quiet')
SETTINGS = {k: v for k, v in re.findall(r'--(\w+) (\w+)', SMALL)} | {'epochs': '2'}
ROW = ' '.join(f'{k}={v}' for k, v in SETTINGS.items())
SEARCH = 'preset: toy\nsettings: {{{}}}\nseeds: [1]\ntrials: 3\nsearch: {{lr: {{low: 0.001, high: 0.01, log: true}}}}\n'
TREES = { # name -> the trees it goes on from, the command that makes it, what is taken away
    'empty': ([], ''),
    'run': ([], f'hvsa_train --data toy --out in/run --cache in/cache {SMALL}'),
    'run1': ([], f'hvsa_train --data toy --out in/run --cache in/cache {SMALL} --epochs 1'),
    'frozen': ([], f'hvsa_train --data toy --out in/run --cache in/cache --frozen true --views 2 {SMALL}'),
    'seeds': ([], f'hvsa_train --data toy --out in/seeds --cache in/cache --seeds 1,2 {SMALL}',
              'in/seeds/protocol.json'),                    # to be made again of the runs
    'compared': ([], f'hvsa_compare --rows "A: toy {ROW}; B: toy-vse {ROW}" --seeds 0,1 --data toy --out in/cmp '
                     '--cache in/cache --quiet'),
    'tuned': ([], 'hvsa_tune search.yaml --data toy --out in/tuned --cache in/cache --quiet'),
    'gallery': (['run'], 'hvsa_index in/run --images toy/images --out in/gallery --quiet'),
    'exported': (['run'], 'hvsa_export in/run --onnx --out in/exported'),
}

class Scene(NamedTuple):
    "A command, and what lies there when it starts."
    line:str
    tree:str='empty' # of TREES
    once:bool=False  # makes a folder that must not exist: started again it may say that it is there
    weight:int=1     # how often it is chosen

SCENES = {
    'toy': Scene('hvsa_toy --out in/made --n 20 --size 40 --quiet', once=True),
    'prepare': Scene('hvsa_prepare toy in/made --quiet', once=True),
    'train': Scene(TREES['run'][1], weight=3),
    'seeds': Scene(TREES['seeds'][1], weight=2),
    'resume': Scene('hvsa_train --resume --out in/run --epochs 3 --cache in/cache --quiet', 'run1', weight=3),
    'frozen': Scene(TREES['frozen'][1], weight=2),
    'eval': Scene('hvsa_eval in/run --cache in/cache2 --quiet', 'frozen'),
    'compare': Scene(TREES['compared'][1], weight=2),
    'tune': Scene(TREES['tuned'][1], weight=2),
    'index': Scene(TREES['gallery'][1], 'run', weight=2),
    'export': Scene(TREES['exported'][1], 'run'),
}
WATCHED = 'state.pt', 'model.safetensors', 'metrics.json', '.part', '.npy', '.rows', 'config.json', '.sqlite', '.png'
READERS = { # which files are damaged -> command that must notice, and the tree
    'run': ('hvsa_eval in/run --cache none --quiet', 'run', 'in/run/*'),
    'resume': (SCENES['resume'].line, 'run1', 'in/run/*'),
    'pictures': (f'hvsa_train --data toy --out in/run2 --cache in/cache {SMALL} --seed 5', 'run1', 'in/cache/*.npy'),
    'maps': ('hvsa_eval in/run --cache in/cache --quiet', 'frozen', 'in/cache/*'),
    'gallery': ('hvsa_search in/gallery "planes near trees" --json', 'gallery', 'in/gallery/**/*'),
    'indexed': (TREES['gallery'][1], 'gallery', 'in/gallery/**/*'),
    'seeds': (TREES['seeds'][1], 'seeds', 'in/seeds/**/*'),
    'compared': (TREES['compared'][1], 'compared', 'in/cmp/**/*'),
    'tuned': (TREES['tuned'][1], 'tuned', 'in/tuned/**/*'),
    'export': (TREES['exported'][1], 'run', 'in/run/*'),
}

def without_drawing():
    "In a child: figures are files of a few bytes, written as ever; drawing them takes longer than such a training."
    from matplotlib.figure import Figure
    def savefig(self, file, **_):
        with open(file, 'wb') as f: f.write(b'figure')
    Figure.savefig = savefig
    sys.modules['hvsa.experiments.run_folder'].show_retrieval = lambda *args, **_: Figure()

class Reference(NamedTuple):
    "What a command does when nothing happens."
    ended:Ended
    files:dict # snapshot
    changes:int # of files
    size:int # bytes on a disk
    last:int # change that puts the last file in its place

def size_of(folder:Path) -> int:
    "Bytes that a folder takes on a disk."
    return sum(-(-p.lstat().st_size//4096)*4096 + 4096 for p in folder.rglob('*'))

class Bench:
    "Where cases run: references are made once, each case has a folder of its own."
    def __init__(self, work:Path, say=lambda text: None):
        self.work, self.known, self.say = work, {}, say
        self.functions, self.mounts = commands(), own_mounts()
        self.trees = work/'trees'
        base = self.trees/'empty'
        base.mkdir(parents=True)
        self.start('hvsa_toy --out toy --n 20 --size 40 --quiet', work).wait()
        (base/'toy').symlink_to(work/'toy')
        (base/'in').mkdir()
        (base/'search.yaml').write_text(SEARCH.format(', '.join(
            f'{k}: {v}' for k, v in SETTINGS.items())), encoding='utf-8')

    def start(self, line:str, folder:Path, prepare=None, logs:str='') -> Child:
        words = [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', line)]
        def ready():
            without_drawing()
            if prepare: prepare()
        return Child(self.functions[words[0]], words, folder, self.work/f'logs{logs}'/folder.name, ready)

    def tree(self, name:str) -> Path:
        "A folder as a finished command leaves it, made once."
        path = self.trees/name
        if not path.exists():
            before, line, *apart = TREES[name]
            here = self.folder(before[0] if before else 'empty')
            ended = self.start(line, here).wait(300)
            if ended.code: sys.exit(f'{line}\nended with {ended.code}: {ended.err}')
            for file in apart: (here/file).unlink()
            here.rename(path)
        return path

    def folder(self, tree:str) -> Path:
        "The folder in which all that is tried runs, since some files hold its path: a copy of a tree."
        source, here = self.tree(tree), self.work/'here'
        shutil.rmtree(here, ignore_errors=True)
        copy(source, here)
        return here

    def reference(self, line:str, tree:str) -> Reference:
        "What a command does when nothing happens."
        if (line, tree) not in self.known:
            folder, log = self.folder(tree), self.work/f'changes-{len(self.known)}'
            def count():
                out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                on_change(folder, lambda event, path: os.write(out, f'{event} {path}\n'.encode()))
            ended = self.start(line, folder, count).wait(300)
            if ended.code: sys.exit(f'{line}\nended with {ended.code}: {ended.err}')
            changes = log.read_text(encoding='utf-8').splitlines() if log.exists() else []
            placed = [i for i, c in enumerate(changes) if c.startswith('os.rename')]
            self.known[line, tree] = Reference(ended, snapshot(folder), len(changes), size_of(folder/'in'),
                                               max(placed, default=0))
        return self.known[line, tree]

def spoken(ended, naming:str='', must_fail:bool=False) -> dict:
    "What is wrong with how a command ended by itself."
    faults = {}
    if ended.code is None: return {'hang': 'no end'}
    if 'Traceback' in ended.err or 'Exception ignored' in ended.err:
        return {'traceback': (ended.said or [''])[-1][:150]}
    if ended.code < 0: return {}
    if ended.code == 0:
        if ended.said: faults['message'] = f'exit 0, and on stderr: {ended.said[0][:150]}'
        if must_fail: faults['silent'] = 'exit 0'
    elif len(ended.said) != 1: faults['message'] = f'{len(ended.said)} lines: {ended.said[:2]}'
    elif naming and naming not in ended.said[0]: faults['message'] = f'{naming} is not named: {ended.said[0][:200]}'
    return faults

def differences(folder:Path, want:dict, apart:tuple=()) -> dict:
    "What is missing, left over or other than it should be below a folder."
    have = snapshot(folder)
    named = lambda names: ', '.join(sorted(n for n in names if n not in apart)[:4])
    found = {'lost': named(want.keys() - have.keys()), 'leftover': named(have.keys() - want.keys()),
             'unequal': named(k for k in want.keys() & have.keys() if want[k] != have[k])}
    return {k: v for k, v in found.items() if v}

# Groups: each gives what was done and what is wrong ----------------------------------------------

def kill(bench:Bench, name:str, rng:random.Random) -> tuple[str, dict]:
    "Ended at a moment, once or several times; then the same command until its end."
    scene = SCENES[name]
    right, want, changes, *_ = bench.reference(scene.line, scene.tree)
    folder, done, faults, before = bench.folder(scene.tree), [], {}, {}
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        number = rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        how = rng.choice(['time', 'change', 'change', 'file'])
        moment, seen = rng.random(), 0
        which, watched = rng.randrange(max(1, changes)), rng.choice(WATCHED)
        def at_change(event, path):
            nonlocal seen
            seen += 1
            if seen == which + 1: os.kill(os.getpid(), number)
        child = bench.start(scene.line, folder, (lambda: on_change(folder, at_change)) if how == 'change' else None)
        if how == 'time':
            while time.time() - child.start < moment*right.seconds and not child.poll(): time.sleep(.002)
        if how == 'file': wait_for(child, folder, watched, moment)
        if how != 'change': child.kill(number)
        ended = child.wait()
        done.append(f'{signal.Signals(number).name} at ' + {'time': f'{moment*right.seconds:.2f} s', 'file': watched,
                                                            'change': f'change {which + 1}'}[how])
        faults |= spoken(ended)
        if number == signal.SIGINT and ended.code not in (0, 130, -2) and not (scene.once and ended.code == 1):
            faults.setdefault('message', f'exit {ended.code} after Ctrl-C: {ended.said[:1]}')
        if again := lost(before, now := kept(folder)): faults['lost'] = '; '.join(again)[:200]
        before = now
        if ended.code == 0: break
    else: ended = bench.start(scene.line, folder).wait()
    for k, v in spoken(ended).items(): faults.setdefault(k, v)
    if ended.code and not (scene.once and 'exists' in ended.err): faults['lost'] = f'exit {ended.code}: {ended.err[-150:]}'
    elif name == 'eval' and said(ended.out) != said(right.out): faults['unequal'] = 'what it prints'
    if again := lost(before, kept(folder)): faults['lost'] = '; '.join(again)[:200]
    return f'{", ".join(done)}', differences(folder, want) | faults

def wait_for(child:Child, folder:Path, name:str, moment:float):
    "Until a new file with this in its name is there, and some milliseconds more."
    there = {p for p in folder.rglob('*')}
    while not child.poll():
        if any(name in p.name for p in folder.rglob('*') if p not in there): break
        time.sleep(.0005)
    time.sleep(moment*.01)

def disk(bench:Bench, name:str, rng:random.Random) -> tuple[str, dict]:
    "A disk that fills up; then one with room, and the same command."
    scene = SCENES[name]
    _, want, _, need, _ = bench.reference(scene.line, scene.tree)
    folder = bench.folder(scene.tree)
    place, fresh = folder/'in', bench.tree(scene.tree)/'in'
    used, need = size_of(fresh), need*9//10
    room = rng.randint(0, max(1, (need - used)//4096))*4096
    mounted = bench.mounts and rng.random() < .8 and small_disk(place, used + 65536)
    if mounted:
        copy(fresh, place)
        if not small_disk(place, room + used, again=True): room = 65536
        ended = bench.start(scene.line, folder).wait()
        what = f'{room//1024} kB of room'
    else:
        limit = rng.choice([1000, 5000, 20_000, 60_000, 200_000, 500_000])  # less, and it cannot say so: stderr is a file
        ended = bench.start(scene.line, folder, lambda: limit_files(limit)).wait()
        what = f'files of at most {limit} bytes'
    faults = spoken(ended)
    if halves := lost(k := kept(folder), k): faults['lost'] = '; '.join(halves)
    before = kept(folder)
    if mounted: small_disk(place, 200 << 20, again=True)
    if ended.code:
        ended = bench.start(scene.line, folder).wait()
        if ended.code: faults['lost'] = f'exit {ended.code} with room: {ended.err[-200:]}'
        if again := lost(before, kept(folder)): faults['lost'] = '; '.join(again)
    faults = differences(folder, want) | faults
    if mounted: unmount(place)
    return what, faults

def readonly(bench:Bench, name:str, rng:random.Random) -> tuple[str, dict]:
    "A folder that cannot be written: one line and nothing changed; what only reads works."
    reads = {'eval': ('hvsa_eval in/run --cache none --quiet', 'run'), 'search': READERS['gallery'][:2]}
    line, tree = reads.get(name) or SCENES[name][:2]
    folder = bench.folder(tree)
    before = snapshot(folder)
    if not bench.mounts: return 'skipped: may not mount', {}
    if not read_only(folder/'in'): return 'skipped: cannot mount', {}
    ended = bench.start(line, folder).wait()
    unmount(folder/'in')
    faults = differences(folder, before) | spoken(ended, must_fail=name not in reads)
    if name in reads and (ended.code or ended.out != bench.reference(line, tree)[0].out):
        faults['message'] = f'exit {ended.code}: {ended.err[-150:]}'
    return 'read-only', faults

def damaged(bench:Bench, name:str, harm) -> tuple[str, dict]:
    "A reader of a folder in which `harm(files)` has changed one, and says which and how."
    line, tree, pattern = READERS[name]
    right, want, *_ = bench.reference(line, tree)
    folder = bench.folder(tree)
    files = sorted(p for p in folder.glob(pattern) if p.is_file() and p.suffix != '.lock' and p.name != '.lock')
    file, what = harm(files)
    path = file.relative_to(folder).as_posix()
    ended = bench.start(line, folder).wait()
    faults = spoken(ended, file.name)
    if ended.code == 0:
        other = differences(folder, want, apart=(path, path + '/'))
        if said(ended.out) != said(right.out) and not without_going_on(ended.out, right.out):
            other['unequal'] = 'what it prints'
        if other: faults['silent'] = f'exit 0, and {other}'
    return f'{what} of {path}', faults

def without_going_on(*outs) -> bool:
    "Whether two commands printed the same, less that they go on or are finished."
    lines = [[line for line in said(out).splitlines() if not re.search('going on|to start anew|finished|to train', line)]
             for out in outs]
    return set(lines[0]) == set(lines[1])

def flip(bench:Bench, name:str, rng:random.Random) -> tuple[str, dict]:
    "One bit is another."
    def harm(files):
        file = rng.choice(files)
        data = bytearray(file.read_bytes())
        at, bit = rng.randrange(len(data)), rng.randrange(8)
        data[at] ^= 1 << bit
        stat = file.stat()
        file.write_bytes(data)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return file, f'bit {bit} of byte {at}'
    return damaged(bench, name, harm)

def cut(bench:Bench, name:str, rng:random.Random) -> tuple[str, dict]:
    "A file is gone, empty, shorter, or a folder."
    def harm(files):
        file, how = rng.choice(files), rng.choice(['gone', 'empty', 'half', 'folder'])
        if how == 'gone' or how == 'folder': file.unlink()
        if how == 'folder': file.mkdir()
        if how == 'empty': file.write_bytes(b'')
        if how == 'half': file.write_bytes(file.read_bytes()[:file.stat().st_size//2])
        return file, how
    return damaged(bench, name, harm)

def vanish(bench:Bench, name:str, rng:random.Random) -> tuple[str, dict]:
    "What it writes is removed while it runs: no good end without a whole result."
    scene = SCENES[name]
    _, want, _, _, last = bench.reference(scene.line, scene.tree)
    folder, which, seen = bench.folder(scene.tree), rng.randrange(max(1, last)), 0
    def at_change(event, path):
        nonlocal seen
        seen += 1
        if seen == which + 1:
            for part in (folder/'in').iterdir(): shutil.rmtree(part, ignore_errors=True)
    ended = bench.start(scene.line, folder, lambda: on_change(folder, at_change)).wait()
    faults = spoken(ended)
    if ended.code == 0:
        gone = {k: v for k, v in differences(folder, want).items() if k != 'leftover'}
        gone = {k: ', '.join(n for n in v.split(', ') if not n.startswith(('in/cache', 'in/run/')) or name in (
            'train', 'resume', 'frozen') and not n.startswith('in/cache')) for k, v in gone.items()}
        if any(gone.values()): faults['silent'] = f'exit 0, and {gone}'
    return f'in/* is removed at change {which + 1}', faults

def links(bench:Bench, name:str, rng:random.Random) -> tuple[str, dict]:
    "Links under every name that it used before, its own number put in, lead to somebody's file."
    scene, folder, victim = SCENES[name], bench.folder(SCENES[name].tree), bench.work/'victim'
    names = set()
    log = bench.work/'names'
    log.unlink(missing_ok=True)
    def note():
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        on_change(folder, lambda event, path: os.write(
            out, f'{os.path.relpath(path, folder)}\n'.replace(str(os.getpid()), 'PID').encode()))
    bench.start(scene.line, folder, note).wait()
    if log.exists(): names = set(log.read_text(encoding='utf-8').splitlines())
    names -= {str(Path(n).parent) for n in names} | ({str(folder/'in/made')} if scene.once else set())
    names |= {re.sub(r'\.npy$', end, n) for n in names for end in ('.part', '.rows', '.note') if n.endswith('.npy')}
    folder = bench.folder(scene.tree)
    victim.write_text('somebody\'s', encoding='utf-8')
    def lay():
        for path in (folder/n.replace('PID', str(os.getpid())) for n in sorted(names)):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(path): path.symlink_to(victim)
    ended = bench.start(scene.line, folder, lay).wait()
    faults = spoken(ended)
    if victim.read_text(encoding='utf-8') != 'somebody\'s': faults['lost'] = 'somebody\'s file was written through a link'
    return f'links under {len(names)} names', faults

def both(bench:Bench, name:str, rng:random.Random) -> tuple[str, dict]:
    "Two of the same command at once: one result, whole; the other says in a line why not."
    scene, folder, wait = SCENES[name], bench.folder(SCENES[name].tree), rng.random()
    right, want, *_ = bench.reference(scene.line, scene.tree)
    first = bench.start(scene.line, folder, logs='1')
    while time.time() - first.start < wait*right.seconds*.5: time.sleep(.001)
    second = bench.start(scene.line, folder, logs='2')
    ended = [child.wait() for child in (first, second)]
    faults = spoken(ended[0]) | spoken(ended[1])
    if all(e.code for e in ended): faults['lost'] = f'neither ended well: {ended[0].err[-100:]} {ended[1].err[-100:]}'
    return f'two, {wait*right.seconds*.5:.2f} s apart', differences(folder, want) | faults

def cold(bench:Bench, name:str, rng:random.Random) -> tuple[str, dict]:
    "Ctrl-C in a process that still imports."
    line, folder = SCENES[name].line, bench.folder('run')
    words = line.split()
    module = bench.functions[words[0]].__module__
    code = f'import sys; from {module} import {words[0]}; sys.exit({words[0]}())'
    start, moment = time.time(), rng.uniform(.1, 3)
    with open(folder/'err', 'w+', encoding='utf-8') as err:
        child = subprocess.Popen([sys.executable, '-c', code, *words[1:]], cwd=folder, stdout=subprocess.DEVNULL,
                                 stderr=err, env=os.environ | {'PYTHONPATH': str(ROOT)})
        while time.time() - start < moment and child.poll() is None: time.sleep(.01)
        child.send_signal(signal.SIGINT)
        try: exit_code = child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            exit_code = None
    ended = Ended(exit_code, '', (folder/'err').read_text(encoding='utf-8'), time.time() - start)
    faults = spoken(ended)
    if ended.code not in (0, 1, 130, -2, None) or ended.code == 1 and 'error:' not in ended.err:
        faults.setdefault('message', f'exit {ended.code}')
    return f'Ctrl-C after {moment:.2f} s', faults

WRITERS = 'toy', 'prepare', 'train', 'resume', 'frozen', 'index', 'export', 'tune', 'compare', 'seeds'
GROUPS = { # name -> what is done, to which, how many of 100 kills' worth
    'kill': (kill, tuple(n for n, s in SCENES.items() for _ in range(s.weight)), 100),
    'disk': (disk, WRITERS, 40), 'readonly': (readonly, (*WRITERS, 'eval', 'search'), 12),
    'flip': (flip, tuple(READERS), 120), 'cut': (cut, tuple(READERS), 60),
    'vanish': (vanish, ('train', 'resume', 'frozen', 'seeds', 'compare', 'tune', 'index', 'export'), 24),
    'cold': (cold, ('train', 'eval', 'index', 'toy'), 8), 'links': (links, WRITERS, 10), 'two': (both, WRITERS, 20)}
FEW = {'kill': 22, 'disk': 8, 'readonly': 4, 'flip': 14, 'cut': 8, 'vanish': 3, 'cold': 1, 'links': 3, 'two': 3}

def cases(only:str, kills:int, small:bool, seed:int, case:int|None) -> list[tuple]:
    "group, name, number, seed of every case, in an order that lets kinds of one tree follow each other."
    wanted_group, _, wanted_name = (only or '').partition(':')
    found = []
    for group, (_, names, share) in GROUPS.items():
        if wanted_group not in ('', group): continue
        n = FEW[group] if small else max(1, share*kills//100)
        for i in range(n) if case is None else [case]:
            name = wanted_name or names[i % len(names)]
            if wanted_name and wanted_name not in names: continue
            found.append((group, name, i, seed))
    return found

def shared_out(wanted:list[tuple], jobs:int) -> list[list[tuple]]:
    "Cases of one scene go to one process, which then makes what they start from once."
    out, names = [[] for _ in range(jobs)], [c[1] for c in wanted]
    for name in sorted(set(names), key=lambda n: (-names.count(n), n)):
        min(out, key=len).extend(c for c in wanted if c[1] == name)
    return out

def run_case(bench:Bench, group:str, name:str, number:int, seed:int) -> dict:
    rng = random.Random(f'{seed} {group} {name} {number}')
    try: what, faults = GROUPS[group][0](bench, name, rng)
    finally:
        if os.path.ismount(bench.work/'here'/'in'): unmount(bench.work/'here'/'in')
    return {'group': group, 'name': name, 'what': what, 'faults': faults,
            'again': f'--only {group}:{name} --seed {seed} --case {number}'}

def table(results:list[dict]) -> str:
    groups = list(dict.fromkeys(r['group'] for r in results))
    rows = [['', 'tried', *COLUMNS]]
    for g in [*groups, 'all']:
        mine = [r for r in results if g in (r['group'], 'all') and not r['what'].startswith('skipped')]
        rows.append([g, len(mine), *(sum(c in r['faults'] for r in mine) for c in COLUMNS)])
    return '\n'.join('  '.join(f'{v!s:>9}' if i else f'{v!s:<9}' for i, v in enumerate(row)) for row in rows)

@call_parse
def main(
    kills:int=100, # how many kills; the other groups are in proportion
    seed:int=0, # of all that is drawn
    only:str='', # a group, or group:name
    case:int=None, # this one alone
    small:bool=False, # a fixed choice of cases
    jobs:int=2, # cases at a time
    keep:str='', # folder to work in, which stays
):
    "Torture the commands, print a table and every case that went wrong"
    wanted, start = cases(only, kills, small, seed, case), time.time()
    work = Path(keep or tempfile.mkdtemp(prefix='hvsa-torture-')).resolve()
    work.mkdir(parents=True, exist_ok=True)
    jobs, results, shards = min(jobs, len(wanted)), [], []
    try:
        first = commands()                                   # imported before the forks
        for j in range(jobs):
            pid = os.fork()
            if pid:
                shards.append(pid)
                continue
            code = 1
            try:
                bench = Bench(work/str(j))
                with open(work/f'{j}.jsonl', 'w', encoding='utf-8') as out:
                    for c in shared_out(wanted, jobs)[j]:
                        t = time.time()
                        row = run_case(bench, *c)
                        print(json.dumps(row | {'seconds': time.time() - t}), file=out, flush=True)
                        if row['faults']:
                            print(f'{row["again"]}   {row["what"]}: {row["faults"]}', flush=True)
                code = 0
            except BaseException:
                import traceback
                traceback.print_exc()
            finally: os._exit(code)
        ends = [os.waitpid(pid, 0)[1] for pid in shards]
        for file in sorted(work.glob('*.jsonl')):
            results += [json.loads(line) for line in file.read_text(encoding='utf-8').splitlines()]
    finally:
        if not keep: shutil.rmtree(work, ignore_errors=True)
    skipped = sum(r['what'].startswith('skipped') for r in results)
    print(f'\n{table(results)}')
    if skipped: print(f'{skipped} skipped: this machine lets nobody mount')
    bad = sum(bool(r['faults']) for r in results)
    print(f'note: {len(results)} cases with {len(first)} commands in {time.time() - start:.0f} s, {bad} went wrong')
    sys.exit(bool(bad) or len(results) < len(wanted) or any(ends))
