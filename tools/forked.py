"""Commands of this package run in forked children: a case costs a second instead of an import of ten.

The parent imports torch and every module once and computes nothing, so that it has no threads of its own; each
child is what a user's process would be after its imports, in a folder and with streams of its own.
"""
import atexit, configparser, ctypes, importlib, os, resource, shutil, signal, subprocess, sys, threading
import time, traceback
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MEMORY = 20 << 30 # bytes of address space of a child: one that asks for more fails, this machine does not
HEAVY = ('torch', 'torchvision.transforms.v2', 'matplotlib.pyplot', 'seaborn', 'nltk.tokenize', 'safetensors.torch',
         'optuna', 'hvsa.use.compare', 'hvsa.use.tune', 'hvsa.use.ask', 'hvsa.use.share', 'hvsa.use.indexing',
         'hvsa.use.search', 'hvsa.use.locate', 'hvsa.use.attention', 'hvsa.use.to_onnx', 'hvsa.use.serve',
         'hvsa.experiments.compare', 'hvsa.experiments.tune', 'hvsa.datasets.check', 'hvsa.datasets.prepare')

class Ended(NamedTuple):
    "How a command ended."
    code:int|None   # exit code; minus the number of the signal that ended it; None: it hung and was ended
    out:str
    err:str
    seconds:float

    @property
    def said(self) -> list[str]:
        "Lines on stderr that are no warnings."
        lines = [line for line in self.err.split('\n') if line.strip()]
        return [line for line in lines if not line.startswith(('warning: ', 'note: '))]

def commands() -> dict:
    "name -> function, as settings.ini has them; all that they import is imported."
    os.environ.update(MPLBACKEND='Agg', OMP_NUM_THREADS='1')
    sys.path.insert(0, str(ROOT))
    settings = configparser.ConfigParser()
    settings.read(ROOT/'settings.ini', encoding='utf-8')
    places = dict(line.split('=') for line in settings['DEFAULT']['console_scripts'].split())
    for name in HEAVY:
        try: importlib.import_module(name)
        except ImportError as e: print(f'without {name}: {e}', file=sys.stderr)
    importlib.import_module('matplotlib.backends.backend_agg')
    importlib.import_module('PIL.Image').init()
    def function(place):
        module, _, name = place.partition(':')
        return getattr(importlib.import_module(module), name)
    found = {name: function(place) for name, place in places.items()}
    assert threading.active_count() == 1, threading.enumerate()
    return found

class Child:
    "A command that runs. `poll`, `wait` and `kill` as in subprocess."
    def __init__(self, function, line:list, folder:Path, logs:Path, prepare=None):
        self.logs, self.start, self.status = logs, time.time(), None
        logs.mkdir(parents=True, exist_ok=True)
        sys.stdout.flush(), sys.stderr.flush()
        self.pid = os.fork()
        if not self.pid: self.run(function, line, folder, prepare)

    def run(self, function, line, folder, prepare):
        code = 70
        try:
            os.setsid()
            os.chdir(folder)
            for fd, name in ((1, 'out'), (2, 'err')):
                os.dup2(os.open(self.logs/name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), fd)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            sys.modules['torch'].set_num_threads(1)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.argv = line
            if prepare: prepare()
            code = ended(function, line[1:])
            try:
                threading._shutdown()
                atexit._run_exitfuncs()
                sys.stdout.flush(), sys.stderr.flush()
            except KeyboardInterrupt: code = 130    # after the command's own end
        except BaseException: traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def poll(self) -> bool:
        "Whether it has ended."
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid: self.status, self.end = os.waitstatus_to_exitcode(status), time.time()
        return self.status is not None

    def kill(self, number:int):
        if not self.poll(): os.kill(self.pid, number)

    def wait(self, limit:float=60) -> Ended:
        "Wait for the end; after `limit` seconds make one."
        late = False
        while not self.poll():
            if late := time.time() - self.start > limit:
                os.killpg(self.pid, signal.SIGKILL)
                while not self.poll(): time.sleep(.01)
                break
            time.sleep(.004)
        for _ in range(2):                          # what the command has started ends with it
            try: os.killpg(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError): break
        read = lambda name: (self.logs/name).read_text(encoding='utf-8', errors='replace') if (
            self.logs/name).exists() else ''
        return Ended(None if late else self.status, read('out'), read('err'), self.end - self.start)

def ended(function, args) -> int:
    "Run a command as its script does, and give its exit code."
    try: function(args)
    except SystemExit as e:
        if e.code is None or isinstance(e.code, int): return e.code or 0
        print(e.code, file=sys.stderr)
        return 1
    except BaseException as e:
        traceback.print_exc()
        return 130 if isinstance(e, KeyboardInterrupt) else 1
    return 0

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {'os.rename', 'os.remove', 'os.mkdir', 'os.rmdir', 'os.link', 'os.symlink', 'os.truncate',
           'shutil.copyfile', 'shutil.rmtree', 'sqlite3.connect', 'tempfile.mkstemp', 'tempfile.mkdtemp'}

def on_change(folder:Path, told):
    "In a child: `told(event, path)` just before each change of a file below `folder`."
    root, busy = os.path.realpath(folder) + os.sep, []
    def hook(event, args):
        if busy or not (event in CHANGES or event == 'open' and isinstance(args[2], int) and args[2] & WRITES):
            return
        busy.append(1)
        try:
            paths = [os.path.abspath(os.fsdecode(a)) for a in args[:2] if isinstance(a, str | bytes | Path)]
            if near := [p for p in paths if p.startswith(root)]: told(event, near[-1])
        finally: busy.clear()
    sys.addaudithook(hook)

# Disks that are full or read-only ----------------------------------------------------------------

def own_mounts() -> bool:
    "Whether this process may mount; what it mounts nobody else sees, and ends with it."
    try: libc = ctypes.CDLL(None, use_errno=True)
    except (OSError, TypeError): return False
    new_ns, private = 0x00020000, 0x44000
    if not hasattr(libc, 'unshare') or libc.unshare(new_ns): return False
    return not libc.mount(b'none', b'/', None, private, None)

def mount(*args:str) -> bool:
    return not subprocess.run(['mount', *args], stderr=subprocess.DEVNULL).returncode

def small_disk(folder:Path, size:int, again:bool=False) -> bool:
    "A disk of `size` bytes at `folder`; `again`: make the one there larger or smaller."
    return mount(*(['-o', f'remount,size={size}'] if again else ['-t', 'tmpfs', '-o', f'size={size}', 'none']),
                 str(folder))

def read_only(folder:Path) -> bool:
    return mount('--bind', str(folder), str(folder)) and mount('-o', 'remount,ro,bind', str(folder))

def unmount(folder:Path):
    subprocess.run(['umount', '-l', str(folder)], stderr=subprocess.DEVNULL)

def limit_files(size:int):
    "In a child: no file may grow beyond `size` bytes, as on a disk that fills up."
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def copy(source:Path, target:Path):
    "A folder as it is, times and links included."
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
