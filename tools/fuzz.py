"""Damaged files for every reader: `python tools/fuzz.py --files 1000`.

A reader gets a good file, changed at random: bits, cuts, copies, zeros, huge numbers, deep nesting,
control characters, pickles that would leave a mark. It may read it, or refuse it with one line
that names it. Anything else is a fault: another exception, a message of several lines, more than
five seconds, more than a gigabyte, a mark. Each file is read in a process of its own, which is
used again while it lives. What is made follows from `--seed`, the reader's name and the file's
number alone: `--only NAME --at 17` reads that one again and shows what was raised.
"""
import gzip, io, json, multiprocessing, os, pickle, random, re, resource, shutil, signal, struct
import sys, tempfile, time, traceback, warnings, zipfile, zlib
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path
from fastcore.script import call_parse

SECONDS, BYTES = 5, 2**30
BAD = 'traceback', 'hang', 'memory', 'executed'
READERS = {} # name -> (what makes good files in a folder, names of those that are changed, reader)
MARK = 'executed'
IMPORTED = ('cli', 'experiments.compare', 'experiments.tune', 'use.ask', 'use.share', 'use.tune',
            'use.gallery', 'use.indexing', 'datasets.prepare', 'datasets.check')

def reader(name:str, targets:str, make=None):
    "Registers a reader of the file `targets` (several: a file each, with blanks between)."
    def register(read):
        READERS[name] = make or (lambda folder: None), targets.split(), read
        return read
    return register

# Changes ------------------------------------------------------------------------------------------

HUGE = [b'\xff'*2, b'\xff'*4, b'\xff'*8, b'\x7f' + b'\xff'*3, b'\xff'*3 + b'\x7f', b'\0\0\0\x40',
        b'\xff'*7 + b'\x7f', b'\x00'*4, struct.pack('<d', float('nan')), struct.pack('>I', 10**9)]
TEXTS = ['1e999', '-1', '9'*5000, '0'*300 + '1', 'NaN', '-Infinity', 'null', '[]', '{}', '""',
         'true', '1e-320', '18446744073709551616', '\x1b[31mred', '"\\ud800"', '\u202e', '\x00',
         '\ufeff',
         '!!python/object/apply:os.system ["touch executed"]', '&a [*a, *a]', '<<: *a', '\t', "'",
         '"\\u001b[2J"', '\u2028', '../'*50 + 'etc/passwd', '/dev/zero', 'CON', 'é'*200, '%s%n']

class Evil:
    "Would leave a mark where it is unpickled."
    def __reduce__(self): return os.system, (f'touch {MARK}',)

def pickled(rng:random.Random) -> bytes:
    "A pickle that does something."
    kind = rng.randrange(4)
    if kind == 0: return pickle.dumps(Evil(), rng.randrange(6))
    if kind == 1: return pickle.dumps({'model': Evil(), 'config': {}}, rng.randrange(6))
    if kind == 2: return f"cos\nsystem\n(S'touch {MARK}'\ntR.".encode()
    return f"cbuiltins\nexec\n(S'open({MARK!r}, \"w\")'\ntR.".encode()

def deep(rng:random.Random) -> bytes:
    n = rng.choice([200, 900, 5000, 100_000])
    return rng.choice([b'['*n, b'{"a":'*n, b'['*n + b']'*n, b'{"a":'*n + b'1' + b'}'*n, b'- '*n])

def bits(data, rng):
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data

def cut(data, rng): return data[:rng.randrange(len(data))]
def span(data, rng):
    a = rng.randrange(len(data))
    return a, min(len(data), a + rng.choice([1, 2, 8, 64, 1024]))
def double(data, rng):
    a, b = span(data, rng)
    return data[:b] + data[a:b]*rng.choice([1, 3, 50]) + data[b:]
def drop(data, rng):
    a, b = span(data, rng)
    return data[:a] + data[b:]
def zeros(data, rng):
    a, b = span(data, rng)
    return data[:a] + bytes(b - a) + data[b:]
def huge(data, rng):
    at = rng.choice([rng.randrange(len(data)), rng.randrange(min(len(data), 200)),
                     len(data) - 1 - rng.randrange(min(len(data), 200))])
    new = rng.choice(HUGE)
    return data[:at] + new + data[at + len(new):]
def noise(data, rng):
    a, b = span(data, rng)
    return data[:a] + rng.randbytes(b - a) + data[b:]
def splice(data, rng): return data[:rng.randrange(len(data))] + data[rng.randrange(len(data)):]

def text(data, rng):
    "Another word, number or bracket in place of one that is there."
    words = list(re.finditer(rb'[^\s,:{}\[\]"]+', bytes(data)))
    if not words: return data
    m, new = rng.choice(words), rng.choice(TEXTS).encode('utf-8', 'surrogatepass')
    if rng.random() < .2: new = deep(rng)
    a, b = m.span()
    if data[a-1:a] == b'"' and data[b:b+1] == b'"' and rng.random() < .5: a, b = a - 1, b + 1
    return data[:a] + new + data[b:]

def lines(data, rng):
    "Lines swapped, doubled, left out; other ends."
    rows = bytes(data).split(b'\n')
    i, j = rng.randrange(len(rows)), rng.randrange(len(rows))
    kind = rng.randrange(5)
    if kind == 0: rows[i], rows[j] = rows[j], rows[i]
    if kind == 1: rows.insert(j, rows[i])
    if kind == 2: del rows[i]
    if kind == 3: rows[i] = b''
    return bytearray((b'\r\n' if kind == 4 else b'\n').join(rows))

def whole(data, rng):
    "Something else altogether."
    return rng.choice([
        lambda: b'', lambda: deep(rng), lambda: pickled(rng), lambda: rng.randbytes(999),
        lambda: rng.choice(TEXTS).encode('utf-8', 'surrogatepass'), lambda: b'\n'*999,
        lambda: evil_zip(rng), lambda: evil_npy(rng), lambda: b'[' + b'1,'*10**6 + b'1]'])()

def evil_npy(rng):
    "An array of objects."
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    head += b' '*(-(len(head) + 11) % 64) + b'\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head + pickled(rng)

def evil_zip(rng):
    "What torch.save or np.savez would write, with a pickle that does something."
    made = io.BytesIO()
    with zipfile.ZipFile(made, 'w') as z:
        for name in ('archive/data.pkl', 'archive/version', 'encoder_W.npy', 'i2t.npy'):
            z.writestr(name, b'3' if 'version' in name else
                       evil_npy(rng) if name.endswith('npy') else pickled(rng))
    return made.getvalue()

def inside(data, rng):
    "A change within what is packed, so that lengths and checksums fit."
    data = bytes(data)
    if data[:2] == b'\x1f\x8b':
        return gzip.compress(plain(bytearray(gzip.decompress(data)), rng), mtime=0)
    if data[:4] == b'PK\3\4':
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, 'w') as new:
            names, method = old.namelist(), rng.choice([0, 0, 8])
            chosen = rng.choice([*names, *[n for n in names if n.endswith('.pkl')]*3])
            for name in names:
                content = old.read(name)
                if name == chosen: content = bytes(
                    rng.choice([plain, plain, plain, lambda *_: pickled(rng), whole,
                                lambda *_: bytes(60*2**20)])(bytearray(content), rng))
                new.writestr(name, content, 8 if len(content) > 2**25 else method)
        return made.getvalue()
    if data[:4] == b'\x89PNG':
        parts, at = [data[:8]], 8
        while at + 12 <= len(data):
            n = struct.unpack('>I', data[at:at+4])[0]
            kind, body = data[at+4:at+8], data[at+8:at+8+n]
            if rng.random() < .3 and body: body = bytes(plain(bytearray(body), rng))
            parts.append(struct.pack('>I', len(body)) + kind + body
                         + struct.pack('>I', zlib.crc32(kind + body)))
            at += 12 + n
        return b''.join(parts)
    n = struct.unpack('<Q', data[:8])[0] if len(data) > 8 else 0
    if 2 < n < len(data) and data[8:9] == b'{':                        # safetensors
        head = bytes(rng.choice([text, bits, drop])(bytearray(data[8:8+n]), rng))
        return struct.pack('<Q', len(head)) + head + data[8+n:]
    return plain(bytearray(data), rng)

PLAIN = bits, cut, double, drop, zeros, huge, noise, splice, text, text, lines
def plain(data, rng):
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        if data: data = bytearray(rng.choice(PLAIN)(data, rng))
    return data

def unsealed(data:bytes) -> bytes:
    "Without its checksum, which would hide every other check."
    try:
        n = struct.unpack('<Q', data[:8])[0] if data[8:9] == b'{' else 0
        head = json.loads(data[8:8+n] if n else data)
        if n: head.pop('__metadata__', None)
        else: del head['sha256']
        made = json.dumps(head, indent=None if n else 2).encode()
        return (struct.pack('<Q', len(made)) if n else b'') + made + (data[8+n:] if n else b'')
    except (ValueError, KeyError, TypeError, struct.error, AttributeError): return data

def changed(data:bytes, rng:random.Random) -> bytes:
    if rng.random() < .7: data = unsealed(data)
    kind = rng.choices([plain, inside, whole], [6, 4, 1])[0]
    return bytes(kind(bytearray(data), rng)) if data else bytes(whole(data, rng))

# Good files ---------------------------------------------------------------------------------------

CAPTIONS = ['two red boats lie in a harbour', 'a green field beside a road', 'many planes', 'pond']

def write(folder, name, content):
    (folder/name).parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes): (folder/name).write_bytes(content)
    else: (folder/name).write_text(content if isinstance(content, str) else json.dumps(content))

def files(**contents):
    "A maker of files with these contents; __ in a name is a dot."
    def make(folder):
        for name, content in contents.items(): write(folder, name.replace('__', '.'), content)
    return make

def picture(kind='PNG', mode='RGB', **how) -> bytes:
    import numpy as np
    from PIL import Image
    values = np.random.default_rng(0).integers(0, 255, (24, 20, 3)).astype('uint8')
    im = Image.fromarray(values).convert(mode) if mode != 'I;16' else Image.fromarray(
        values[..., 0].astype('uint16')*257)
    made = io.BytesIO()
    im.save(made, kind, **how)
    return made.getvalue()

SIZES = dict(width=4, word_dim=8, hidden=16, dim=16, size=33, min_freq=1, batch_size=8)

def small_model():
    import torch
    from hvsa.config import preset
    from hvsa.model import build_model
    from hvsa.vocab import Vocab
    torch.manual_seed(0)
    return build_model(preset('toy', **SIZES), Vocab.build(CAPTIONS, 1, ()))

def run(folder):
    "A run's files, as training leaves them."
    from hvsa.experiments.run_state import save_state
    from hvsa.experiments.run_record import Run, write_run
    from hvsa.model import save_model
    from hvsa.train import make_optimizer
    model = small_model()
    write_run(folder, Run(model.config, 'data/toy', None))
    save_model(model, folder)
    save_state(folder, model, make_optimizer(model), [{'epoch': 0, 'loss': 1., 'valid_rsum': 9.}])
    names = 'r1', 'r5', 'r10', 'medr', 'meanr'
    metrics = {f'{side}_{k}': 50. for side in ('i2t', 't2i') for k in names}
    write(folder, 'metrics.json', {'test': metrics | {'rsum': 300., 'mR': 50.}, 'epochs': 7,
                                   'best_epoch': 3, 'data': 'toy', 'start': {}, 'test_images': 2})
    import numpy as np
    np.savez_compressed(folder/'test_ranks.npz', i2t=np.arange(3, dtype='int32'),
                        t2i=np.arange(9, dtype='int32'))

def lists(folder):
    for part, n in (('train', 4), ('test', 2)):
        names = [f'{part}_{i}.png' for i in range(n)]
        for name in names: write(folder, f'images/{name}', picture())
        listed = names if part == 'train' else [name for name in names for _ in range(5)]
        write(folder, f'{part}_filename.txt', '\n'.join(listed) + '\n')
        write(folder, f'{part}_caps.txt', ''.join(CAPTIONS[i % 4] + '\n' for i in range(5*n)))

def pictures(folder):
    for i in range(6): write(folder, f'images/a_{i}.png', picture())

def entries(raw=5):
    return [{'filename': f'a_{i}.png', 'imgid': i, 'split': 'test' if i > 3 else 'train',
             'sentences': [{'raw': CAPTIONS[k % 4], 'tokens': ['a']} for k in range(raw)]}
            for i in range(6)]

def coco():
    return {'images': [{'id': i, 'file_name': f'a_{i}.png'} for i in range(6)],
            'annotations': [{'id': 9*i + k, 'image_id': i, 'caption': CAPTIONS[k % 4]}
                            for i in range(6) for k in range(5)]}

def nwpu():
    raw = {'raw': CAPTIONS[0], **{f'raw_{k}': CAPTIONS[k % 4] for k in range(1, 5)}}
    return {'airport': [{'filename': f'a_{i}.png', 'split': 'test' if i > 3 else 'train',
                         'imgid': i, **raw} for i in range(6)]}

def rows(mark:str, head:str='', numbered=False):
    return head + ''.join(f'a_{i}.png{f"#{k}" if numbered else ""}{mark}{CAPTIONS[k % 4]}\n'
                          for i in range(6) for k in range(5))

def release(folder):
    "Files of the form of Skip-thoughts, of 8 numbers a word and 16 units."
    import numpy as np
    rng, I, H = np.random.default_rng(0), 8, 16
    draw = lambda *shape: rng.standard_normal(shape).astype('float32')
    write(folder, 'dictionary.txt', 'eos\nUNK\nred\nboats\nfield\n')
    np.save(folder/'utable.npy', draw(5, I))
    np.savez(folder/'uni_skip.npz', encoder_W=draw(I, 2*H), encoder_Wx=draw(I, H),
             encoder_b=draw(2*H), encoder_bx=draw(H), encoder_U=draw(H, 2*H), encoder_Ux=draw(H, H))

def python2_rows(folder):
    "The released form: an array of objects, pickled by Python 2."
    release(folder)
    import numpy as np
    table = np.load(folder/'utable.npy')
    row = lambda r: (b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS\'b\'\ntR'
                     b"(I1\n(I8\ntcnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\n"
                     b'tbI00\n'
                     + b'T' + struct.pack('<I', 32) + r.tobytes() + b'tb')
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (5,), }"
    head += b' '*(-(len(head) + 11) % 64) + b'\n'
    write(folder, 'utable.npy', b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head
          + b'(lp0\n' + b'a'.join(map(row, table)) + b'a.')

def vectors(folder):
    import numpy as np
    rng = np.random.default_rng(0)
    words = ['red', 'boats', 'field', 'road', '<unk>']
    table = rng.standard_normal((5, 8)).astype('float32')
    said = ''.join(f'{w} {" ".join(f"{v:.4f}" for v in row)}\n' for w, row in zip(words, table))
    write(folder, 'made.txt', said)
    write(folder, 'head.vec', f'5 8\n{said}')
    write(folder, 'packed.txt.gz', gzip.compress(said.encode(), mtime=0))
    np.save(folder/'table.npy', table)
    write(folder, 'table.txt', '\n'.join(words) + '\n')

def checkpoints(folder):
    "A few tensors under each published code's names, in both forms of torch.save."
    import torch
    from argparse import Namespace
    from hvsa.pretrained.forms import FORMS, published_names
    for form in (FORMS[0], FORMS[1], FORMS[2]):
        names = {n for name, _ in form.sizes.values() for n in published_names(name, form)}
        state = {n: torch.ones(3, 20) for n in sorted(names)}
        parts = [state] if len(form.parts) == 1 else [
            {k: v for k, v in state.items() if k.startswith(('cnn', 'fc'))},
            {k: v for k, v in state.items() if not k.startswith(('cnn', 'fc'))}]
        saved = {'epoch': 1, 'model': parts if len(parts) > 1 else parts[0],
                 'opt': Namespace(measure='cosine', margin=.2, max_violation=True)}
        name = form.title.replace('+', '').lower()
        torch.save(saved, folder/f'{name}.pth.tar')
        torch.save(saved, folder/f'{name}_old.pth.tar', _use_new_zipfile_serialization=False)

def weights(folder):
    import torch
    from safetensors.torch import save_file
    state = {'conv1.weight': torch.ones(2, 3), 'bn1.bias': torch.ones(4)}
    torch.save(state, folder/'w.pth')
    torch.save(state, folder/'old.pth', _use_new_zipfile_serialization=False)
    save_file(state, folder/'w.safetensors')

def kept(folder):
    import numpy as np
    np.save(folder/'kept.npy', np.arange(60, dtype='float16').reshape(5, 12))

def gallery(folder):
    "An index of six pictures."
    pictures(folder)
    small_model().eval().index(folder/'images', folder/'gallery')  # `use.indexing` gives it

def comparison(folder):
    run(folder)
    write(folder, 'failed.json', {'error': 'diverged'})

# Readers ------------------------------------------------------------------------------------------

YAML = ('# mine\nlr: 1e-3\nbeta: 0.5\nbatch_size: 64\ntext_start: none\nrelu: true\n'
        'preset: toy\nseed: 7\nfrozen: false\nmask_positives: image\n')
PLAN = ('data: data/toy\nseeds: [0, 1]\ncommon: {epochs: 5, dim: 128}\nrows:\n  HVSA: toy\n'
        '  AMFMN: {preset: toy-amfmn, lr: 5e-4}\n  both: {preset: toy, beta: [0, 0.5]}\n')
SEARCH = ('preset: toy\nsettings: {epochs: 1}\nseeds: [0]\nsearch:\n  lr: {low: 1e-4, high: 1e-2, '
          'log: true}\n  dropout: [0, 0.2]\ntrials: 3\nsampler_seed: 1\nstart:\n  - {lr: 1e-3}\n')
VALUES = {'lr': 1e-3, 'beta': .5, 'batch_size': 64, 'text_start': None, 'preset': 'toy'}

def of_several(e:ValueError) -> ValueError:
    "Of an error that has a line for each problem: the first that is not as a line should be."
    said = str(e).split('\n')
    return ValueError(next((line for line in said if not line.isprintable()), said[0]))

@reader('settings, YAML', 'mine.yaml', files(mine__yaml=YAML))
@reader('settings, JSON', 'mine.json', files(mine__json=VALUES))
def _(folder, file):
    from hvsa.use.flags import settings
    settings(None, folder/file, {})

@reader('comparison', 'plan.yaml', files(plan__yaml=PLAN))
def _(folder, file):
    from hvsa.use.rows import plan_of, read_plan
    said = read_plan(folder/file)
    try: plan_of(said)                          # what is wrong may stand in flags too
    except ValueError as e: raise ValueError(f'{file}: {e}') from None

@reader('search', 'search.yaml', files(search__yaml=SEARCH))
def _(folder, file):
    from hvsa.use.tune import BadSearch, read_search
    try: read_search(folder/file)
    except BadSearch as e: raise of_several(e) from None

@reader('lists', 'train_filename.txt train_caps.txt test_filename.txt test_caps.txt', lists)
def _(folder, file):
    from hvsa.datasets.splits import load_split
    for part in ('train', 'test'): load_split(folder, part)

@reader('lists, checked', 'train_filename.txt train_caps.txt test_filename.txt '
        'images/train_0.png', lists)
def _(folder, file):
    from hvsa.datasets.check import check_dataset, report
    said = report(check_dataset(folder, 'images', progress=False)).split('\n')
    if bad := [line for line in said if not line.isprintable()]: raise ValueError(bad[0])

def parquet(folder):
    "The same captions as Parquet, where pyarrow is installed."
    pictures(folder)
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError: return write(folder, 'table.parquet', b'PAR1')
    names = [f'a_{i}.png' for i in range(6) for _ in range(5)]
    said = [CAPTIONS[k % 4] for k in range(30)]
    pq.write_table(pa.table({'filename': names, 'caption': said}), folder/'table.parquet')

def texts(folder):
    pictures(folder)
    for i in range(6): write(folder, f'images/a_{i}.txt', '\n'.join([*CAPTIONS, 'a road']) + '\n')

def annotated(**contents):
    def make(folder):
        pictures(folder)
        files(**contents)(folder)
    return make

@reader('annotations, RSICD', 'dataset.json', annotated(dataset__json={'images': entries()}))
@reader('annotations, COCO', 'captions.json', annotated(captions__json=coco()))
@reader('annotations, NWPU', 'nwpu.json', annotated(nwpu__json=nwpu()))
@reader('annotations, captions.txt', 'captions.txt',
        annotated(captions__txt=rows(',', 'image,caption\n')))
@reader('annotations, token', 'a.token', annotated(a__token=rows('\t', '', True)))
@reader('annotations, CSV', 'table.csv', annotated(table__csv=rows(',', 'filename,caption\n')))
@reader('annotations, Parquet', 'table.parquet', parquet)
@reader('annotations, .txt beside', 'images/a_0.txt images/a_1.png', texts)
@reader('annotations, TSV', 'table.tsv', annotated(table__tsv=rows('\t', 'filename\tcaption\n')))
def _(folder, file):
    from hvsa.datasets.prepare import BadData, prepare
    source = folder/('images' if file.startswith('images') else file)
    try: prepare(source, folder/'made', folder/'images', progress=False)
    except BadData as e: raise of_several(e) from None

@reader('vocabulary', 'vocab.json', run)
def _(folder, file):
    from hvsa.vocab import Vocab
    Vocab.load(folder/file)

@reader('run.json', 'run.json', run)
def _(folder, file):
    from hvsa.experiments.run_record import read_run
    read_run(folder)

@reader('config.json', 'config.json', run)
@reader('model.safetensors', 'model.safetensors', run)
def _(folder, file):
    from hvsa.model import load
    load(folder, 'cpu')

@reader('half a model', 'config.json model.safetensors vocab.json', run)
def _(folder, file):
    from hvsa.use.gallery import words_of
    words_of(folder)

@reader('state.pt', 'state.pt', run)
def _(folder, file):
    from hvsa.experiments.run_state import load_state
    from hvsa.train import make_optimizer
    model = small_model()
    load_state(folder, model, make_optimizer(model))

@reader('metrics.json', 'metrics.json', run)
def _(folder, file):
    from hvsa.use.share import read_metrics
    read_metrics(folder/file)

@reader('result of a seed', 'metrics.json run.json', run)
def _(folder, file):
    from hvsa.experiments.run_folder import finished
    finished(folder, small_model().config)

@reader('result of a row', 'metrics.json run.json test_ranks.npz failed.json', comparison)
def _(folder, file):
    from hvsa.experiments.compare import Job, found
    if file != 'failed.json': (folder/'failed.json').unlink()
    found(Job(small_model().config, 'data/toy', folder, None))

@reader('kept array', 'kept.npy', kept)
def _(folder, file):
    import numpy as np
    from hvsa.engine.cache import finished
    array = finished(folder/file, (5, 12), np.dtype('float16'))
    if array is not None: array.sum()

@reader('Skip-thoughts', 'dictionary.txt utable.npy uni_skip.npz', release)
@reader('Skip-thoughts, pickled', 'utable.npy', python2_rows)
def _(folder, file):
    from hvsa.pretrained.skipthoughts import load_skipthoughts
    from hvsa.text import TextEncoder
    from hvsa.vocab import Vocab
    vocab = Vocab(['red', 'pond', '<unk>'])
    load_skipthoughts(TextEncoder(3, dim=12, word_dim=8, hidden=16), vocab, folder, progress=False)

@reader('word vectors', 'made.txt head.vec packed.txt.gz table.npy table.txt', vectors)
def _(folder, file):
    from hvsa.pretrained.wordvectors import load_word_vectors
    from hvsa.text import TextEncoder
    from hvsa.vocab import Vocab
    vocab = Vocab(['red', 'pond', '<unk>'])
    file = 'table.npy' if file.startswith('table') else file
    load_word_vectors(TextEncoder(3, dim=12, word_dim=8, hidden=16), vocab, folder/file)

@reader('published checkpoints', 'hvsa.pth.tar vse.pth.tar amfmn.pth.tar hvsa_old.pth.tar '
        'vse_old.pth.tar', checkpoints)
def _(folder, file):
    from hvsa.pretrained.published import published_settings, read_checkpoint
    published_settings(read_checkpoint(folder/file))

@reader('backbone weights', 'w.pth old.pth w.safetensors', weights)
def _(folder, file):
    from hvsa.vision import _file_state
    _file_state(folder/file)

KINDS = {'a.jpg': ('JPEG',), 'a.png': ('PNG', 'RGBA'), 'palette.png': ('PNG', 'P'),
         'deep.png': ('PNG', 'I;16'), 'a.tif': ('TIFF',), 'deep.tif': ('TIFF', 'I;16'),
         'packed.tif': ('TIFF',), 'a.bmp': ('BMP',), 'a.webp': ('WEBP',), 'a.gif': ('GIF',)}
def all_kinds(folder):
    for name, kind in KINDS.items():
        how = dict(compression='tiff_lzw') if name == 'packed.tif' else {}
        write(folder, name, picture(*kind, **how))

@reader('pictures', ' '.join(KINDS), all_kinds)
def _(folder, file):
    from hvsa.datasets.images import read_image
    read_image(folder/file, 32)

@reader('pictures, searched', ' '.join(KINDS), all_kinds)
def _(folder, file):
    from hvsa.use.pictures import open_picture
    open_picture(folder/file, None, None, 64)

@reader('gallery', 'gallery/gallery.sqlite gallery/vectors-1.npy gallery/model/config.json',
        gallery)
def _(folder, file):
    from hvsa.use.gallery import Gallery
    found = Gallery(folder/'gallery')
    for name in found.names()[:2]:
        found.thumbnail(name)
        found.like(name)
    found.search('red boats', 3)

def search_noted(folder, file='search.json'):
    from hvsa.experiments.tune import note_search
    from hvsa.use.tune import Search
    note_search(Search('toy', {}, [0], {}, 3, 0, []), 'x', folder)

reader('note of a search', 'search.json', search_noted)(search_noted)

# What must be found: a table of faults without them would say nothing

@reader('!traceback', 'a.txt', files(a__txt='1'))
def _(folder, file): {}['a key']
@reader('!two lines', 'a.txt', files(a__txt='1'))
def _(folder, file): raise ValueError(f'{folder/file}\nis bad')
@reader('!no name', 'a.txt', files(a__txt='1'))
def _(folder, file): raise ValueError('bad')
@reader('!hang', 'a.txt', files(a__txt='1'))
def _(folder, file):
    while True: pass
@reader('!memory', 'a.txt', files(a__txt='1'))
def _(folder, file): bytearray(2*BYTES)
@reader('!executed', 'a.pkl', files(a__pkl=pickle.dumps(Evil())))
def _(folder, file): pickle.loads(pickle.dumps(Evil()))
@reader('!ended', 'a.txt', files(a__txt='1'))
def _(folder, file): os._exit(3)

# Reading in a process -----------------------------------------------------------------------------

def verdict(read, folder:Path, file:str) -> tuple[str, str]:
    "What became of one file, and what was said."
    try:
        read(folder, file)
        return 'read', ''
    except (ValueError, OSError) as e:
        said, names = str(e), [p.name for p in folder.rglob('*')] + [str(folder)]
        if len(said) > 2000: return 'traceback', f'too long: {said[:300]}'
        if not said.isprintable(): return 'traceback', f'no line: {type(e).__name__}: {said!r:.300}'
        from hvsa.config import Config
        names += list(Config.__dataclass_fields__)          # or the setting that is wrong
        if not any(name in said for name in names):
            return 'traceback', f'names no file: {type(e).__name__}: {said:.300}'
        return 'refused', said
    except MemoryError: return 'memory', traceback.format_exc()[-600:]
    except BaseException: return 'traceback', traceback.format_exc()[-900:]

def one(name:str, at:int, seed:int, good:Path, work:Path) -> tuple[str, str]:
    "Change one file of a reader and read it, in an empty folder."
    _, targets, read = READERS[name]
    rng = random.Random(f'{seed} {name} {at}')
    file, folder = targets[at % len(targets)], work/'case'
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    os.chdir(folder)                                        # a mark is left here
    try: (folder/file).write_bytes(changed((good/file).read_bytes(), rng))
    except Exception: return 'traceback', 'of the fuzzer itself: ' + traceback.format_exc()
    result = verdict(read, folder, file)
    marked = [p for p in (folder/MARK, work/MARK) if p.exists()]
    return ('executed', file) if marked else result

def worker(pipe, work:Path, seed:int):
    "Read what the pipe names, until it is closed."
    work.mkdir(parents=True)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2): os.dup2(null, stream)
    warnings.simplefilter('ignore')
    with open('/proc/self/statm') as f: now = int(f.read().split()[0])*resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try: name, at, good = pipe.recv()
        except EOFError: return
        pipe.send(one(name, at, seed, good, work))

def cpu_of(pid:int) -> float:
    "Seconds of a process so far."
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12]))/os.sysconf('SC_CLK_TCK')

class Place:
    "A process that reads one file after another, and a new one when it dies."
    def __init__(self, root:Path, seed:int):
        self.root, self.seed, self.n, self.job = root, seed, 0, None
        self.start()
    def start(self):
        self.n += 1
        self.pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context('fork')
        self.work = self.root/f'{id(self)}-{self.n}'
        self.process = context.Process(target=worker, args=(theirs, self.work, self.seed))
        self.process.start()
        theirs.close()
    def give(self, job):
        self.job, self.since, self.cpu = job, time.time(), cpu_of(self.process.pid)
        self.pipe.send(job)
    def late(self) -> bool: # by its own clock, since other work may keep the machine busy
        waited = time.time() - self.since
        return waited > SECONDS and (waited > 8*SECONDS
                                     or cpu_of(self.process.pid) - self.cpu > SECONDS)
    def end(self):
        self.pipe.close()
        if self.process.is_alive(): os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()
        shutil.rmtree(self.work, ignore_errors=True)
    def result(self) -> tuple|None:
        "Of the file it was given; None while it reads."
        if self.pipe.poll():
            try: return self.pipe.recv()
            except EOFError: pass
        if self.process.is_alive() and not self.late(): return None
        dead = not self.process.is_alive()
        self.process.join(1)
        code = self.process.exitcode
        self.end()
        self.start()
        return ('traceback', f'ended with {code}') if dead else ('hang', f'over {SECONDS} s')

def all_read(jobs:list, places:list[Place], told, until:float):
    "Hand out the files, as long as there is time, and tell what became of each."
    waiting, busy = list(reversed(jobs)), []
    while waiting or busy:
        if time.time() > until: waiting = []
        for place in places:
            if place.job is None and waiting:
                place.give(waiting.pop())
                busy.append(place)
        wait([p.pipe for p in busy], timeout=.2)
        for place in list(busy):
            if (result := place.result()) is None: continue
            told(place.job, *result)
            place.job = None
            busy.remove(place)

def table(counts:dict) -> str:
    from tabulate import tabulate
    heads = ['reader', 'files', 'read', 'refused', *BAD]
    lines = [[name, sum(c.values()), *(c.get(k, 0) for k in heads[2:])]
             for name, c in counts.items() if c]
    lines.append(['all', *(sum(column) for column in list(zip(*lines))[1:])])
    return tabulate(lines, heads)

@call_parse
def main(
    files:int=20, # Damaged files for each reader
    only:str='', # Readers whose names begin so, with ; between (default: all)
    seed:int=0, # Of all that is random
    at:int=None, # This file alone, and what was raised
    json_:str=None, # Write counts and faults here, as JSON
    workers:int=2, # Processes at a time
    minutes:float=1e6, # Begin no file after so many
    show:int=3, # Faults to print of each reader
):
    "Read damaged files, print a table, and end with 1 where one did what none may"
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    if sys.platform != 'linux': sys.exit('this runs on Linux: it bounds memory and watches clocks')
    for module in IMPORTED: import_module(f'hvsa.{module}')     # once, for all processes
    warnings.simplefilter('ignore')
    begins = tuple(filter(None, only.split(';'))) or ''
    names = [n for n in READERS if n.startswith(begins) and (n[0] != '!' or only)]
    counts, faults, start = {n: {} for n in names}, {n: [] for n in names}, time.time()
    with tempfile.TemporaryDirectory() as root:
        root, jobs = Path(root), []
        for i, name in enumerate(names):
            make, targets, read = READERS[name]
            (folder := root/f'good-{i}').mkdir()
            make(folder)
            for file in targets if name[0] != '!' else ():
                shutil.rmtree(root/'try', ignore_errors=True)
                shutil.copytree(folder, root/'try')
                became, said = verdict(read, root/'try', file)
                if became != 'read': print(f'note: {name}: {file} as it was made: {became}: {said}')
            numbers = range(files) if at is None else [at]
            jobs += [(name, k, folder) for k in numbers]
        def told(job, became, said):
            name, k, _ = job
            counts[name][became] = counts[name].get(became, 0) + 1
            if became in BAD: faults[name].append({'at': k, 'became': became, 'said': said})
            if at is not None: print(f'{name} {k}: {became}: {said}')
        places = [Place(root, seed) for _ in range(workers)]
        try: all_read(jobs, places, told, start + 60*minutes)
        finally:
            for place in places: place.end()
    for name, found in faults.items():
        for f in found[:show]: print(f'\n{name}, file {f["at"]}: {f["became"]}\n{f["said"]}')
    print(f'\n{table(counts)}\n\n{time.time() - start:.0f} s, seed {seed}')
    if json_: Path(json_).write_text(json.dumps({'seed': seed, 'files': files, 'counts': counts,
                                                 'faults': faults}, indent=1))
    sys.exit(bool(sum(map(len, faults.values()))))
