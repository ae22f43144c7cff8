"""Draw the architecture of HVSA with its shapes, as vector graphics for light and dark pages.

`nbs/images/architecture.svg` shows every part at full strength; `architecture-PART.svg` lights one
part and fades the rest. All drawing is here: change a box, run the script, look at the files.
"""
import sys
from html import escape
from math import atan2, degrees
from pathlib import Path
from fastcore.script import call_parse

FOLDER = Path(__file__).resolve().parent.parent/'nbs'/'images'
PARTS = { # name in the file: name in the figure; x, y, width and height there
    'data': ('1  Data', (12, 38, 84, 238)), 'vocab': ('2  Vocabulary', (108, 162, 92, 114)),
    'vision': ('3  Image encoder', (220, 38, 432, 114)),
    'text': ('4  Text encoder', (220, 162, 432, 114)),
    'hypersphere': ('5  Hypersphere', (664, 38, 198, 238)),
    'losses': ('6  Losses', (220, 296, 468, 108)),
    'evaluate': ('8  Evaluation', (710, 296, 160, 116)), 'train': ('9  Training', (12, 296, 168, 116)),
}
MODEL = 'vision', 'text', 'hypersphere', 'losses' # the parts inside its frame
DESC = (
    'An image of 3×256×256 goes through a ResNet-18 (512×8×8), key-entity attention with 64 keys, the '
    'mean over places and a linear layer to 512 numbers. A caption goes as ids through word vectors of '
    '620, a Bayesian GRU of 2400 units, a linear layer and a ReLU to 512 numbers. Projected to the unit '
    'hypersphere, B images and B captions give B×B cosines. Curriculum alignment and feature '
    'uniformity, with learned weights, make the total loss. Evaluation ranks N×M cosines. ResNet-18, '
    'word vectors and GRU start from pretrained weights.')
# class: (CSS for every page, what differs on a dark one)
CSS = {
    'bg': ('fill:#fff;stroke:#dde4e8', 'fill:#191f22;stroke:#3a444a'),
    'part': ('fill:#f4f7f9;stroke:#dde4e8', 'fill:#22292d;stroke:#39444a'),
    'ring': ('fill:none;stroke:#41525c;stroke-width:2.5', 'stroke:#d5dfe4'),
    'frame': ('fill:none;stroke:#9aa8b0;stroke-dasharray:4 4', 'stroke:#75848c'),
    'op': ('fill:#fff;stroke:#8d9ba3', 'fill:#2e373c;stroke:#8d9ba3'),
    'img': ('fill:#e2eff8;stroke:#0173b2', 'fill:#12354b;stroke:#56b4e9'),
    'txt': ('fill:#fcefd9;stroke:#de8f05', 'fill:#453310;stroke:#eba53a'),
    'imgf': ('fill:#0173b2', 'fill:#56b4e9'), 'txtf': ('fill:#de8f05', 'fill:#eba53a'),
    'good': ('fill:#029e73', 'fill:#2fc397'), 'bad': ('fill:#d55e00', 'fill:#f06d36'),
    'cell': ('fill:#d3dce1', 'fill:#46535a'),
    'thin': ('fill:none;stroke:#b3bfc5', 'stroke:#5d6b73'),
    'dash': ('fill:none;stroke:#b3bfc5;stroke-dasharray:2 3', 'stroke:#5d6b73'),
    'line': ('fill:none;stroke:#6f7e87;stroke-width:1.6;stroke-linejoin:round', 'stroke:#96a5ad'),
    'tip': ('fill:#6f7e87', 'fill:#96a5ad'),
    'done': ('fill:#41525c;stroke:#41525c', 'fill:#d5dfe4;stroke:#d5dfe4'),
    'open': ('fill:#fff;stroke:#41525c;stroke-width:1.6', 'fill:#191f22;stroke:#d5dfe4'),
    'off': ('opacity:.42', ''),
}
FONT = '-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif'
TEXT = (f'text{{font:11.5px {FONT};text-anchor:middle;fill:#1f2a30}}'
        '.b{font-weight:600;font-size:12px}.q{fill:#55646c}.s{text-anchor:start}')
DARK_TEXT = 'text{fill:#e6edf0}.q{fill:#aebbc2}'

def style() -> str:
    "The style sheet: light, then what a page that prefers dark changes"
    light = ''.join(f'.{k}{{{v}}}' for k, (v, _) in CSS.items())
    dark = ''.join(f'.{k}{{{v}}}' for k, (_, v) in CSS.items() if v)
    return f'<style>{TEXT}{light}@media (prefers-color-scheme:dark){{{DARK_TEXT}{dark}}}</style>'

def rect(x, y, w, h, cls, r=6) -> str:
    return f'<rect class="{cls}" x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}"/>'
def dot(x, y, cls, r=4.5) -> str: return f'<circle class="{cls}" cx="{x}" cy="{y}" r="{r}"/>'
def path(d, cls) -> str: return f'<path class="{cls}" d="{d}"/>'
def label(x, y, s, cls='q') -> str: return f'<text class="{cls}" x="{x}" y="{y}">{escape(s)}</text>'

def arrow(*points) -> str:
    "A line through the points with a head at the last one"
    (x0, y0), (x, y) = points[-2:]
    place = f'translate({x} {y})rotate({degrees(atan2(y - y0, x - x0)):g})'
    line = path('M' + 'L'.join(f'{a} {b}' for a, b in points), 'line')
    return f'{line}<path class="tip" transform="{place}" d="M1 0-6-4V4z"/>'

def steps(y, *spans) -> str:
    "Arrows to the right at height `y`, each from one x to another"
    return ''.join(arrow((a, y), (b, y)) for a, b in spans)

def box(x, y, w, h, lines, cls='op', sign='', out='') -> str:
    "An operation around height `y`: bold name, further lines, sign of its start, shape it gives"
    top = y - 14.5*(len(lines) - 1)/2 + 4
    words = ''.join(label(x + w/2, top + 14.5*i, s, '' if i else 'b') for i, s in enumerate(lines))
    badge = dot(x + w - 3, y - h/2 + 2, sign) if sign else ''
    return rect(x, y - h/2, w, h, cls) + words + badge + label(x + w/2, y + h/2 + 17, out)*bool(out)

def panel(part) -> str:
    "The ground of a part, with its name"
    name, (x, y, w, h) = PARTS[part]
    return rect(x, y, w, h, 'part', 9) + label(x + 10, y + 19, name, 'b s')

def bars(x, y, heights, step, cls, w=5) -> str:
    "Upright bars around height `y`: vectors side by side"
    return ''.join(rect(x + i*step, y - h/2, w, h, cls, 1.5) for i, h in enumerate(heights))

def data() -> str:
    photo = (rect(26, 72, 56, 56, 'img', 4) + path('M33 128 82 79M43 128 82 89', 'thin')
             + path('M34 80h14v12H34zM52 80h8v12h-8zM62 110h12v10H62z', 'imgf'))
    words = [label(54, 212 + 15*i, s, '') for i, s in enumerate(('planes', 'beside', 'a runway'))]
    return (label(14, 29, 'HVSA in its published sizes', 's q') + photo + label(54, 144, 'image')
            + label(54, 166, 'B pairs') + label(54, 180, 'a batch')
            + rect(20, 196, 68, 54, 'txt', 4) + ''.join(words) + label(54, 267, 'caption')
            + steps(100, (84, 228)) + label(156, 93, 'rotated, cropped') + label(156, 116, '3×256×256'))

def vocab() -> str:
    pairs = ('planes', '2'), ('beside', '151'), ('a', '<unk>'), ('runway', '49')
    rows = [label(114, 206 + 15*i, word, 's') + label(175, 206 + 15*i, n, '')
            for i, (word, n) in enumerate(pairs)]
    return (rect(155, 192, 40, 64, 'txt', 4) + ''.join(rows) + label(175, 270, 'T ids')
            + steps(223, (90, 107), (197, 228)))

def vision() -> str:
    maps = ''.join(rect(324 + 5*i, 81 + 5*i, 28, 28, 'img', 2) for i in range(3))
    grid = path('M341 91v28M348 91v28M355 91v28M334 98h28M334 105h28M334 112h28', 'thin')
    return (steps(100, (306, 320), (364, 376), (472, 484), (540, 552), (604, 618)) + maps + grid
            + label(341, 144, '512×8×8') + box(230, 100, 74, 54, ['ResNet-18', 'ImageNet'], 'img', 'done')
            + box(378, 100, 92, 54, ['KEA, 64 keys', 'key-entity', 'attention'], 'img', 'open', '512×8×8')
            + box(486, 100, 52, 54, ['Mean', 'over', 'places'], 'img', '', '512')
            + box(554, 100, 48, 54, ['Linear'], 'img', 'open') + bars(621, 100, [46], 0, 'imgf', 9)
            + label(625.5, 144, '512'))

def text() -> str:
    gru = ['Bayesian GRU', 'Skip-thoughts', 'dropout masks kept']
    return (steps(223, (320, 332), (366, 377), (491, 503), (516, 528), (595, 618))
            + box(230, 223, 88, 54, ['Word vectors', 'Skip-thoughts'], 'txt', 'done')
            + bars(335, 223, [34]*4, 8, 'txtf') + label(349.5, 267, 'T×620')
            + box(379, 223, 110, 54, gru, 'txt', 'done')
            + bars(505, 223, [56], 0, 'txtf', 9) + label(509.5, 267, '2400')
            + box(530, 223, 63, 54, ['Linear', 'then ReLU'], 'txt', 'open')
            + bars(621, 223, [46], 0, 'txtf', 9) + label(625.5, 267, '512'))

def matrix(x, y, n=5, step=11) -> str:
    "Cosines of n images (rows) and n captions (columns), the right pairs on the diagonal"
    side, length = step - 1.5, n*step - 1.5
    cells = [rect(x + step*j, y + step*i, side, side, 'good' if i == j else 'cell', 1.5)
             for i in range(n) for j in range(n)]
    edges = rect(x - 6, y, 3, length, 'imgf', 1.5) + rect(x, y - 6, length, 3, 'txtf', 1.5)
    return ''.join(cells) + edges

def hypersphere() -> str:
    ball = (dot(774, 112, 'op', 48) + path('M726 112a48 15 0 0 0 96 0', 'thin')
            + path('M726 112a48 15 0 0 1 96 0', 'dash'))
    rays = path('M727 100 774 112 731 133M755 107a20 20 0 0 0 1 14', 'line')
    ends = dot(727, 100, 'imgf', 5.5) + dot(731, 133, 'txtf', 5.5) + label(797, 109, 'cos θ', '')
    return (ball + rays + ends + steps(100, (634, 719)) + label(692, 92, 'project')
            + arrow((634, 223), (692, 223), (692, 133), (723, 133)) + label(833, 71, 'length 1')
            + arrow((774, 164), (774, 188)) + matrix(747, 200) + label(834, 224, 'B×B')
            + label(834, 239, 'cosines'))

def losses() -> str:
    forks = (arrow((676, 276), (676, 338), (665, 338)) + arrow((676, 338), (676, 380), (665, 380))
             + arrow((518, 338), (507, 338)) + arrow((518, 380), (507, 380)) + arrow((374, 359), (362, 359)))
    weights = ['Learned weights', 'a small network', 'and softmax: w₁, w₂']
    total = ['Total loss', 'w₁ × alignment', '+ w₂ × uniformity']
    return (forks + box(520, 338, 143, 36, ['Curriculum alignment', 'of the cosines'])
            + box(520, 380, 143, 36, ['Feature uniformity', 'of image vectors only'], 'img')
            + box(376, 359, 129, 72, weights, 'op', 'open') + box(232, 359, 128, 72, total))

def evaluate() -> str:
    order = ['bad', 'good'] + ['cell']*5
    ranks = ''.join(rect(725 + 19*i, 350, 15, 15, cls, 3) for i, cls in enumerate(order))
    return (ranks + label(790, 340, 'ranks of N×M cosines') + label(790, 384, 'R@1, R@5, R@10', 'b')
            + label(790, 400, 'both ways') + arrow((774, 257), (774, 294)))

def train() -> str:
    rate = path('M30 372h138M30 372V334', 'thin') + path('M30 368 54 336H82V364H138V369H168', 'line')
    return (rate + label(126, 352, 'learning rate') + label(99, 386, '50 epochs')
            + label(96, 403, 'AdamW on all weights')
            + arrow((230, 359), (182, 359)) + steps(396, (180, 210)))

def frame(cls='frame') -> str:
    "The outline of the model: the parts in `MODEL`"
    return path('M222 12H860a10 10 0 0 1 10 10V274a10 10 0 0 1-10 10H708a10 10 0 0 0-10 10V402a10 10 0 0 '
                '1-10 10H222a10 10 0 0 1-10-10V22a10 10 0 0 1 10-10z', cls)

def legend() -> str:
    signs = (24, 'done', 'starts pretrained, trained further'), (236, 'open', 'trained from scratch')
    hues = ((384, 'imgf', 'image'), (456, 'txtf', 'caption'), (536, 'good', 'right pair'),
            (628, 'bad', 'wrong one ranked above it'))
    return (''.join(dot(x, 436, cls) + label(x + 10, 440, s, 's q') for x, cls, s in signs)
            + ''.join(rect(x, 430, 12, 12, cls, 2) + label(x + 18, 440, s, 's q') for x, cls, s in hues))

DRAW = dict(data=data, vocab=vocab, vision=vision, text=text, hypersphere=hypersphere,
            losses=losses, evaluate=evaluate, train=train)

def figure(part='') -> str:
    "The figure as SVG text; with a `part`, that one is outlined and the others are faded"
    lit = {'': [*PARTS, 'model'], 'model': ['model', *MODEL]}.get(part, [part])
    def layer(name, svg): return svg if name in lit else f'<g class="off">{svg}</g>'
    body = layer('model', frame() + label(230, 30, '7  Model', 'b s'))
    body += ''.join(layer(name, panel(name)) for name in PARTS)
    body += ''.join(layer(name, draw()) for name, draw in DRAW.items())
    if part in PARTS: body += rect(*PARTS[part][1], 'ring', 9)
    if part == 'model': body += frame('ring')
    size = 'width="880" height="454" viewBox="0 0 880 454"'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>Architecture of HVSA</title><desc>{DESC}</desc>{style()}'
            f'{rect(.5, .5, 879, 453, "bg", 10)}{body}{legend()}</svg>\n')

@call_parse
def main(
    check:bool=False, # Change nothing; fail where a file is missing, out of date or left over
):
    "Draw nbs/images/architecture.svg, and once more for each part with that part lit"
    files = {FOLDER/f'architecture-{part}.svg': figure(part) for part in [*PARTS, 'model']}
    files[FOLDER/'architecture.svg'] = figure()
    stale = [p for p in FOLDER.glob('architecture*.svg') if p not in files]
    wrong = [p for p, svg in files.items() if not p.exists() or p.read_bytes() != svg.encode()] + stale
    names = ', '.join(p.name for p in wrong)
    if check: sys.exit(f'run tools/architecture.py: out of step: {names}' if wrong else 0)
    for p in stale: p.unlink()
    for p, svg in files.items(): p.write_bytes(svg.encode())
    print(f'{len(files)} figures in {FOLDER}')
