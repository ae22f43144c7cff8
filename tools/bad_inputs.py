"""Bad command lines and bad files: each ends in one line, soon, and leaves nothing behind.

    python tools/bad_inputs.py                # all
    python tools/bad_inputs.py --only train   # those of one command
    python tools/bad_inputs.py --case 41      # one again

Exit code 1 or 2, one line on stderr, no traceback, within 20 seconds, no file that was not there before.
"""
import json, shutil, struct, sys, tempfile, time
from pathlib import Path
from fastcore.script import call_parse
from torture import SMALL, Bench

LIMIT = 20 # seconds
DEEP = 5000

def files(folder:Path):
    "What people, disks and other programs put where a file of ours is expected."
    deep = '['*DEEP + ']'*DEEP
    texts = {
        'empty.json': '', 'empty.yaml': '', 'list.yaml': '- 1\n- 2\n', 'word.yaml': 'words\n', 'tab.yaml': '\tlr: 1\n',
        'deep.json': deep, 'deep.yaml': deep, 'open.json': '{"lr": ', 'unknown.yaml': 'learning: 1\n',
        'text.yaml': 'lr: fast\n', 'twice.yaml': 'lr: 0.1\nlr: 0.2\n', 'preset.yaml': 'preset: nope\n',
        'tag.yaml': '!!python/object/apply:os.system ["touch in/executed"]\n', 'nan.yaml': 'lr: .nan\n',
        'bomb.yaml': 'a: &a [1,1]\n' + ''.join(f'{chr(98+i)}: &{chr(98+i)} [*{chr(97+i)},*{chr(97+i)},*{chr(97+i)}]\n'
                                                 for i in range(20)),
        'number.json': '5', 'null.json': 'null', 'huge.yaml': f'lr: {"9"*5000}\n', 'int.yaml': 'lr_decay_every: 1.5\n',
        'rows.yaml': 'rows: 5\nseeds: [0]\n', 'rows2.yaml': 'rows: {A: nope}\nseeds: [0]\n', 'rows3.yaml': 'rows: {}\n',
        'rows4.yaml': 'rows: {A: toy}\nseeds: [a]\n', 'rows5.yaml': 'rows: {A: {preset: toy, lr: [1, 2]}}\nseeds: [0]\n',
        'tune1.yaml': 'preset: toy\n', 'tune2.yaml': 'preset: toy\nsearch: {lr: {low: 2, high: 1}}\ntrials: 1\nseeds: [0]\n',
        'tune3.yaml': 'preset: nope\nsearch: 5\n', 'tune4.yaml': 'preset: toy\nsearch: {lr: [1, 2]}\ntrials: -1\nseeds: [0]\n',
        'tune5.yaml': 'preset: toy\nsearch: {data: [1, 2]}\ntrials: 1\nseeds: []\n',
        'annotations.json': '{"images": 5}', 'annotations2.json': '{"images": [{"filename": 1}]}',
        'annotations3.json': '{"images": [{"filename": "a.png", "sentences": [], "split": "train"}]}',
        'annotations4.json': json.dumps({'images': [{'filename': '../../etc/passwd', 'split': 'train',
                                         'sentences': [{'raw': 'a b'}]*5}]}), 'vocab.json': '{"word2idx": 5}'}
    for name, text in texts.items(): (folder/name).write_text(text, encoding='utf-8')
    (folder/'binary.json').write_bytes(bytes(range(256))*8)
    (folder/'binary.yaml').write_bytes(bytes(range(256))*8)
    (folder/'latin.yaml').write_bytes('lr: 0.1 # größer\n'.encode('latin-1'))
    (folder/'utf16.json').write_bytes('{"lr": 1}'.encode('utf-16'))
    (folder/'vectors.txt').write_text('airport 1 2 x\n', encoding='utf-8')
    (folder/'big.npy').write_bytes(b'\x93NUMPY\x01\x00v\x00' + b"{'descr': '<f4', 'fortran_order': False, 'shape': "
                                   b"(99999999999, 9999)}".ljust(117) + b'\n')
    (folder/'pickle.npy').write_bytes(b'\x93NUMPY\x01\x00v\x00' + b"{'descr': '|O', 'fortran_order': False, 'shape': "
                                      b"(1,)}".ljust(117) + b'\ncos\nsystem\n(S"touch in/executed"\ntR.')
    (folder/'evil.pth').write_bytes(b'cos\nsystem\n(S"touch in/executed"\ntR.')
    (folder/'evil.safetensors').write_bytes(struct.pack('<Q', 1 << 60) + b'{}')
    (folder/'not.png').write_text('words', encoding='utf-8')
    (folder/'cut.png').write_bytes(b'\x89PNG\r\n\x1a\n' + bytes(20))
    (folder/'nothing').mkdir()
    (folder/'dangling').symlink_to('nowhere')
    (folder/'loop').symlink_to('loop')

def data_sets(folder:Path, toy:Path):
    "Copies of a good data set, each with one fault."
    def changed(name, change):
        path = folder/name
        shutil.copytree(toy, path)
        change(path)
    lines = lambda p, name: (p/name).read_text(encoding='utf-8').splitlines(True)
    def put(name, make):
        return lambda p: (p/name).write_text(''.join(make(lines(p, name))), encoding='utf-8')
    caps, names = 'train_caps.txt', 'train_filename.txt'
    image = lambda p: p/'images'/lines(p, names)[0].strip()
    changed('d-noimages', lambda p: shutil.rmtree(p/'images'))
    changed('d-nocaps', lambda p: (p/caps).unlink())
    changed('d-notest', lambda p: (p/'test_filename.txt').unlink())
    changed('d-emptycaps', put(caps, lambda x: []))
    changed('d-empty', lambda p: [f.write_text('', encoding='utf-8') for f in p.glob('*.txt')])
    changed('d-fewcaps', put(caps, lambda x: x[:-3]))
    changed('d-blank', put(caps, lambda x: ['\n' for _ in x]))
    changed('d-dots', put(caps, lambda x: ['. , !\n' for _ in x]))
    changed('d-same', put(caps, lambda x: ['planes at an airport\n' for _ in x]))
    changed('d-both', put(names, lambda x: [lines(toy, 'test_filename.txt')[0], *x[1:]]))
    changed('d-up', put(names, lambda x: ['../../../etc/passwd\n', *x[1:]]))
    changed('d-absolute', put(names, lambda x: ['/etc/passwd\n', *x[1:]]))
    changed('d-missing', lambda p: image(p).unlink())
    changed('d-text', lambda p: image(p).write_text('words', encoding='utf-8'))
    changed('d-cut', lambda p: image(p).write_bytes(image(p).read_bytes()[:300]))
    changed('d-zero', lambda p: image(p).write_bytes(b''))
    changed('d-latin', lambda p: (p/caps).write_bytes('größer\n'.encode('latin-1')*80))
    changed('d-binary', lambda p: (p/caps).write_bytes(bytes(range(256))*40))
    changed('d-null', put(names, lambda x: ['a\0b.jpg\n', *x[1:]]))
    changed('d-folder', lambda p: [(p/caps).unlink(), (p/caps).mkdir()])
    changed('d-one', lambda p: [put(n, lambda x: x[:k])(p) for n, k in ((caps, 5), (names, 1))])

def runs(folder:Path, run:Path):
    "Copies of a good run, each with one fault."
    def changed(name, change):
        shutil.copytree(run, folder/name)
        change(folder/name)
    def json_of(p, name, **values):
        said = json.loads((p/name).read_text(encoding='utf-8'))
        (p/name).write_text(json.dumps(said | values), encoding='utf-8')
    def config_of(p, name, **values):
        said = json.loads((p/name).read_text(encoding='utf-8'))
        said['config'] |= values
        (p/name).write_text(json.dumps(said), encoding='utf-8')
    def write(name, data): return lambda p: (p/name).write_bytes(data)
    deep = ('['*DEEP + ']'*DEEP).encode()
    for name in ('config.json', 'vocab.json', 'model.safetensors', 'run.json'):
        short = name.split('.')[0]
        changed(f'r-no-{short}', lambda p, n=name: (p/n).unlink())
        changed(f'r-empty-{short}', write(name, b''))
        changed(f'r-binary-{short}', write(name, bytes(range(256))*8))
        changed(f'r-folder-{short}', lambda p, n=name: [(p/n).unlink(), (p/n).mkdir()])
        if name.endswith('.json'):
            changed(f'r-deep-{short}', write(name, deep))
            changed(f'r-list-{short}', write(name, b'[1, 2]'))
            changed(f'r-null-{short}', write(name, b'null'))
    for n, v in (('size', -1), ('dim', 10**9), ('hidden', 'x'), ('preset', 'nope'), ('width', None), ('keys', 1.5)):
        changed(f'r-config-{n}', lambda p, n=n, v=v: config_of(p, 'config.json', **{n: v}))
        changed(f'r-run-{n}', lambda p, n=n, v=v: config_of(p, 'run.json', **{n: v}))
    changed('r-size-words', lambda p: json_of(p, 'config.json', vocab_size=-1))
    changed('r-size-many', lambda p: json_of(p, 'config.json', vocab_size=10**12))
    changed('r-seeds', lambda p: json_of(p, 'run.json', seeds=5))
    changed('r-data', lambda p: json_of(p, 'run.json', data=5))
    changed('r-evil', write('model.safetensors', struct.pack('<Q', 1 << 60) + b'{}'))
    changed('r-state', write('state.pt', b'cos\nsystem\n(S"touch in/executed"\ntR.'))

def lines() -> list[str]:
    "The command lines; all are wrong."
    train = f'hvsa_train --data toy --out in/new --cache none {SMALL}'
    out = []
    flags = ('--epochs -1|--epochs 1.5|--epochs x|--epochs 99999999999999999999999|--batch_size 0|--batch_size 1e9999|'
             '--lr -1|--lr nan|--lr inf|--lr x|--dim 0|--dim 1000000000|--hidden 1000000|--width 100000|--keys 1000000000|'
             '--reduce_channels 1000000000|--word_dim 1000000000|--size 0|--size 31|--size 100000|--seed -1|--seed 1e5|'
             '--min_freq 1000000|--val_fraction 1|--val_fraction 0|--val_fraction 2|--loss nope|--model nope|'
             '--backbone nope|--text_encoder nope|--measure nope|--pooled maybe|--frozen nope|--frozen until:layer99|'
             '--views 99|--temperature 0|--temperature 1e-320|--margin 1e38|--margin x|--lr 1e-320|--gamma 1e38|'
             '--beta nan|--schedule nope|--clip 0|--clip -1|--text_start nowhere|--text_start toy|--text_start vectors.txt|'
             '--image_start nowhere|--image_start not.png|--image_start evil.pth|--image_start evil.safetensors|'
             '--device nope|--device cuda:99|--device privateuseone|--device meta|--track nope|--seeds 1|--seeds 1,1|'
             '--seeds x|--seeds ,|--seeds 1,-2|--preset nope|--preset ""|--cache /proc|--cache not.png|--cache dangling/x|'
             '--pdb|--nope 1|--nope|extra|--epochs|--data|--amp maybe|--amp 2|--degrees 1e400|--dropout 2|'
             '--feature_dropout 1.5|--weight_decay -1|--max_train_images 0|--max_train_images 1|--captions_per_image 6|'
             '--val_distinct 9|--uniformity_stride 0|--uniformity_weight -1|--lr_decay_every 0|--warmup -1')
    out += [f'{train} {flag}' for flag in flags.split('|')]
    for name in ('empty.yaml list.yaml word.yaml tab.yaml deep.json deep.yaml open.json unknown.yaml text.yaml twice.yaml '
                 'preset.yaml tag.yaml nan.yaml bomb.yaml number.json null.json huge.yaml int.yaml binary.json latin.yaml '
                 'utf16.json nothing dangling loop nowhere.yaml not.png').split():
        out.append(f'{train} --config {name}')
    out += [f'hvsa_train --data {d} --out in/new --cache none {SMALL}' for d in
            ('d-noimages d-nocaps d-notest d-emptycaps d-empty d-fewcaps d-blank d-dots d-same d-both d-up '
             'd-absolute d-missing d-text d-cut d-zero d-latin d-binary d-null d-folder d-one nowhere nothing not.png '
             'dangling loop "" /dev/null').split()]
    out += [f'hvsa_train --data toy --cache none {SMALL} --out {o}' for o in
            ('not.png not.png/x dangling dangling/x loop /dev/null /proc/x r-list-run r-deep-run r-seeds r-folder-run').split()]
    out.append(f'hvsa_train --data toy --cache none {SMALL} --out {"x"*300}')
    out += [f'hvsa_train --resume --out {o} --quiet --cache none' for o in
            ('nowhere', 'nothing', 'not.png', 'r-state --epochs 9', 'r-run-size', 'r-run-hidden', 'r-run-preset', 'r-empty-run',
             'r-binary-run', 'r-null-run', 'r-data --epochs 9', 'r-empty-vocab --epochs 9', 'r-binary-vocab --epochs 9')] + ['hvsa_train --resume --out run --cache none --dim 8 --quiet']
    out += [f'hvsa_eval {r} --quiet --cache none' for r in
            ('nowhere nothing not.png r-no-config r-no-vocab r-no-model r-no-run r-empty-config r-empty-vocab '
             'r-empty-model r-empty-run r-binary-config r-binary-vocab r-binary-model r-binary-run r-folder-config '
             'r-folder-vocab r-folder-model r-folder-run r-deep-config r-deep-vocab r-deep-run r-list-config r-list-vocab '
             'r-list-run r-null-config r-null-vocab r-null-run r-config-size r-config-dim r-config-hidden r-config-preset '
             'r-config-width r-config-keys r-size-words r-size-many r-evil r-data').split()]
    out += ['hvsa_eval', 'hvsa_eval run run', 'hvsa_eval run --split nope', 'hvsa_eval run --data nowhere',
            'hvsa_eval run --data d-missing --split train --cache none', 'hvsa_eval run --size 0', 'hvsa_eval run --size x',
            'hvsa_eval run --device nope', 'hvsa_eval run --published evil.pth', 'hvsa_eval --published evil.pth',
            'hvsa_eval --published evil.pth --vocab vocab.json --data toy',
            'hvsa_eval --published nowhere --vocab run/vocab.json --data toy',
            'hvsa_eval --published evil.pth --vocab run/vocab.json --data toy',
            'hvsa_eval --published toy --vocab run/vocab.json --data toy']
    out += [f'hvsa_toy --quiet --out in/new {f}' for f in
            ('--n 0|--n -1|--n x|--n 1000001|--n 1e3|--size 1|--size 99999|--seed -1|--seed x|--nope|extra').split('|')]
    out += [f'hvsa_toy --quiet --out {o}' for o in 'toy not.png not.png/x loop /proc/x /dev/null'.split()]
    out += [f'hvsa_check {d} --quiet' for d in
            'nowhere not.png loop d-noimages d-nocaps d-folder'.split()] + ['hvsa_check toy --images nowhere', 'hvsa_check toy x']
    out += [f'hvsa_prepare {s} in/new --quiet' for s in
            ('nowhere nothing not.png empty.json open.json deep.json null.json number.json binary.json utf16.json '
             'annotations.json annotations2.json annotations3.json annotations4.json loop /dev/null d-noimages d-nocaps '
             'd-fewcaps d-up d-absolute d-missing d-text d-cut d-latin d-null d-folder').split()]
    out += ['hvsa_prepare toy', 'hvsa_prepare toy toy --quiet', 'hvsa_prepare toy not.png --quiet', 'hvsa_prepare',
            'hvsa_prepare toy in/new --images nowhere --quiet', 'hvsa_prepare toy in/new --images not.png --quiet',
            'hvsa_prepare toy loop --quiet', 'hvsa_prepare toy /proc/x --quiet']
    compare = f'hvsa_compare --data toy --out in/new --cache none --quiet --seeds 0 {"{}"}'
    out += [f'hvsa_compare {f} --out in/new --quiet --data toy' for f in
            ('rows.yaml rows2.yaml rows3.yaml rows4.yaml rows5.yaml nowhere nothing deep.yaml binary.yaml latin.yaml '
             'twice.yaml tag.yaml bomb.yaml loop').split()]
    out += [compare.format(f) for f in
            ('--rows nope|--rows toy,|--rows "A: nope"|--rows "A: toy lr=x"|--rows "A: toy; A: toy"|--rows ""|--jobs 0|'
             '--rows toy --jobs -1|--rows toy --jobs x|--rows toy --seeds x|--rows toy --seeds 1,1|--rows "A: toy nope=1"|'
             '--rows toy --data nowhere|--rows toy --out not.png|--rows "A: toy epochs=0"').split('|')]
    out += [f'hvsa_tune {f} --out in/new --quiet --data toy' for f in
            ('tune1.yaml tune2.yaml tune3.yaml tune4.yaml tune5.yaml nowhere nothing deep.yaml binary.yaml empty.yaml '
             'twice.yaml tag.yaml loop').split()]
    out += ['hvsa_tune', 'hvsa_tune search.yaml --trials 0 --data toy --out in/new', 'hvsa_tune search.yaml --trials x',
            'hvsa_tune search.yaml --data nowhere --out in/new', 'hvsa_tune search.yaml --data toy --out not.png']
    out += [f'hvsa_index {x} --quiet' for x in
            ('run|run --images nowhere --out in/new|run --images nothing --out in/new|run --images not.png --out in/new|'
             'nowhere --images toy/images --out in/new|r-empty-model --images toy/images --out in/new|'
             'run --images toy/images --out toy|run --images toy/images --out not.png|run --images toy/images --out loop|'
             'run --images toy/images --bands x --out in/new|run --images toy/images --stretch 5 --out in/new|'
             'run --images toy/images --bands 1,2 --out in/new|run --images toy/images --out /proc/x|'
             'run --images toy/images --out in/new --device nope').split('|')]
    out += [f'hvsa_search {x}' for x in
            ('|nowhere planes|nothing planes|not.png planes|gallery|gallery ""|gallery planes --top 0|gallery planes --top x|'
             'gallery --image nowhere|gallery --image not.png|gallery --image cut.png|gallery planes --image cut.png|'
             'gallery qwertz|gallery planes --store nowhere/x.db|toy planes|gallery planes --top -3').split('|')]
    out += [f'hvsa_locate {x}' for x in
            ('|run|run toy|run cut.png planes|run nowhere planes|nowhere not.png planes|run not.png planes --out x.jpg|'
             'run {image} planes --window x|run {image} planes --window 0|run {image} planes --window 99999|'
             'run {image} planes --stride 0|run {image} planes --top 0|run {image} qwertz|run {image} planes --bands 9|'
             'run {image} planes --out nowhere/x.png').split('|')]
    out += [f'hvsa_export {x}' for x in
            ('|run|nowhere --onnx --out in/new|r-empty-model --onnx --out in/new|run --onnx --out not.png|'
             'run --onnx --views 0 --out in/new|run --onnx --views x|r-deep-config --onnx --out in/new|'
             'run --onnx --out /proc/x|run --hub nope --out in/new|run --onnx --views 99 --out in/new').split('|')]
    out += [f'hvsa_serve {x}' for x in '|nowhere|not.png|toy|gallery --port 99999999|gallery --port x|gallery --port -1|gallery --host nope.invalid|gallery --limit x'.split('|')]
    return out

def prepared(bench:Bench) -> Path:
    "A folder with all of these files, links and faults."
    folder = bench.folder('gallery')
    (folder/'toy').unlink()
    shutil.copytree(bench.work/'toy', folder/'toy')
    shutil.copytree(folder/'in'/'run', folder/'run')
    shutil.copytree(folder/'in'/'gallery', folder/'gallery')
    shutil.rmtree(folder/'in')
    (folder/'in').mkdir()
    files(folder)
    data_sets(folder, folder/'toy')
    runs(folder, folder/'run')
    return folder

def listing(folder:Path) -> dict:
    "Every file with its size, and every folder."
    return {p.relative_to(folder).as_posix(): None if p.is_symlink() or p.is_dir() else p.stat().st_size
            for p in folder.rglob('*')}

def tried(bench:Bench, folder:Path, line:str, before:dict) -> tuple:
    "How a line ended, and what is wrong with that; the folder is as before after it."
    ended = bench.start(line, folder).wait(LIMIT)
    after, faults = listing(folder), []
    if ended.code is None: faults.append(('hang', f'no end within {LIMIT} s'))
    elif 'Traceback' in ended.err: faults.append(('traceback', ended.err.strip().splitlines()[-1][:150]))
    elif ended.code == 0: faults.append(('silent', f'exit 0: {(ended.out + ended.err).strip()[-100:]!r}'))
    elif ended.code not in (1, 2): faults.append(('code', f'exit {ended.code}'))
    elif line.startswith('hvsa_check') and not ended.said and ' error' in ended.out: pass   # its report is what was asked for
    elif ended.said and ended.said[-1].startswith('nothing was '): pass                     # every mistake, a line each
    elif len(ended.said) != 1: faults.append(('lines', f'{len(ended.said)}: {ended.said[:2]}'))
    elif len(ended.said[0]) > 1000: faults.append(('lines', f'one of {len(ended.said[0])} characters'))
    if new := sorted(k for k in after if k not in before or after[k] != before[k]):
        faults.append(('left', ', '.join(new[:4])))
        for k in sorted(new, reverse=True):
            path = folder/k
            if k in before: continue
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    return ended, faults

@call_parse
def main(
    only:str='', # lines of one command, such as train
    case:int=None, # this one alone
    say:bool=False, # print every line with what it answered
    every:int=1, # of these lines, every so many-th
):
    "Run bad command lines, print a table and each that ended badly"
    start, kinds = time.time(), ('traceback', 'hang', 'silent', 'code', 'lines', 'left')
    work = Path(tempfile.mkdtemp(prefix='hvsa-bad-')).resolve()
    counts = {}
    try:
        bench = Bench(work)
        folder = prepared(bench)
        image = next((folder/'toy'/'images').iterdir()).relative_to(folder).as_posix()
        before = listing(folder)
        for n, line in enumerate(lines()):
            line, name = line.replace('{image}', image), line.split()[0]
            if only and name != f'hvsa_{only}' or case not in (None, n) or n % every and case is None: continue
            ended, faults = tried(bench, folder, line, before)
            row = counts.setdefault(name, dict.fromkeys(('tried', *kinds), 0))
            row['tried'] += 1
            before = listing(folder)                # what was overwritten is told once
            for kind, _ in faults: row[kind] += 1
            if say or case is not None: print(f'{n} [{ended.code}, {ended.seconds:.1f} s] {line}\n    {ended.err.strip()[:600]}')
            for kind, text in faults: print(f'--case {n}   {line.replace(SMALL, "SMALL")[:150]}: {kind}: {text}', flush=True)
        if (folder/'in'/'executed').exists(): counts['executed!'] = dict.fromkeys(('tried', *kinds), 1)
    finally: shutil.rmtree(work, ignore_errors=True)
    total = {k: sum(row[k] for row in counts.values()) for k in ('tried', *kinds)}
    print()
    for name, row in [('', {k: k for k in ('tried', *kinds)}), *counts.items(), ('all', total)]:
        print(f'{name:<14}' + ''.join(f'{v!s:>10}' for v in row.values()))
    bad = sum(total[k] for k in kinds)
    print(f'note: {total["tried"]} bad inputs in {time.time() - start:.0f} s, {bad} faults')
    sys.exit(bool(bad) or not total['tried'])
