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
PARTS = {} # name -> (outline, drawing): filled below
MODEL = 'vision', 'text', 'hypersphere', 'losses' # the parts inside its outline
DESC = ('Image: 3×256×256, ResNet-18 to 512×8×8, key-entity attention with 64 keys, mean over '
        'places, linear to 512. Caption: ids, word vectors of 620, Bayesian GRU to 2400, linear to '
        '512, ReLU. Both on the unit hypersphere: B×B cosines. Curriculum alignment and feature '
        'uniformity, with learned weights, make the total loss; evaluation ranks N×M cosines.')
# class: (CSS for every page, what differs on a dark one)
CSS = {
    'bg': ('fill:#fff;stroke:#dde4e8', 'fill:#191f22;stroke:#3a444a'),
    'part': ('fill:#f4f7f9;stroke:#dde4e8', 'fill:#22292d;stroke:#39444a'),
    'ring': ('fill:none;stroke:#41525c;stroke-width:2.5', 'stroke:#d5dfe4'),
    'frame': ('fill:none;stroke:#9aa8b0;stroke-dasharray:4 4', 'stroke:#75848c'),
    'op': ('fill:#fff;stroke:#8d9ba3', 'fill:#2e373c'), 'off': ('opacity:.55', ''),
    'img': ('fill:#e2eff8;stroke:#0173b2', 'fill:#12354b;stroke:#56b4e9'),
    'txt': ('fill:#fcefd9;stroke:#de8f05', 'fill:#453310;stroke:#eba53a'),
    'imgf': ('fill:#0173b2', 'fill:#56b4e9'), 'txtf': ('fill:#de8f05', 'fill:#eba53a'),
    'good': ('fill:#029e73', 'fill:#2fc397'), 'bad': ('fill:#d55e00', 'fill:#f06d36'),
    'cell': ('fill:#d3dce1', 'fill:#46535a'), 'tip': ('fill:#6f7e87', 'fill:#96a5ad'),
    'line': ('fill:none;stroke:#6f7e87;stroke-width:1.6;stroke-linejoin:round', 'stroke:#96a5ad'),
    'thin': ('fill:none;stroke:#b3bfc5', 'stroke:#5d6b73'), 'dash': ('stroke-dasharray:2 3', ''),
    'done': ('fill:#41525c;stroke:#41525c', 'fill:#d5dfe4;stroke:#d5dfe4'),
    'open': ('fill:#fff;stroke:#41525c;stroke-width:1.6', 'fill:#191f22;stroke:#d5dfe4'),
}
FONT = '-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif'
TEXT = (f'text{{font:11.5px {FONT};text-anchor:middle;fill:#1f2a30}}.s{{text-anchor:start}}'
        '.b{font-weight:600;font-size:12px}.q{fill:#55646c}.off .q{fill:#1f2a30}')
DARK_TEXT = 'text,.off .q{fill:#e6edf0}.q{fill:#aebbc2}'

def style() -> str:
    "The style sheet: light, then what a page that prefers dark changes"
    light = ''.join(f'.{k}{{{v}}}' for k, (v, _) in CSS.items())
    dark = ''.join(f'.{k}{{{v}}}' for k, (_, v) in CSS.items() if v)
    return f'<style>{TEXT}{light}@media (prefers-color-scheme:dark){{{DARK_TEXT}{dark}}}</style>'

def rect(x, y, w, h, cls, r=6) -> str: # the primitives: SVG text of one shape of a class of CSS
    return f'<rect class="{cls}" x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}"/>'
def vector(x, y, h, cls, w=9) -> str: return rect(x, y - h/2, w, h, cls, 1.5)
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

def box(x, y, w, h, lines, cls='op', sign='') -> str:
    "An operation around height `y`: bold name, further lines, the sign of its start"
    top = y - 14.5*(len(lines) - 1)/2 + 4
    words = ''.join(label(x + w/2, top + 14.5*i, s, '' if i else 'b') for i, s in enumerate(lines))
    badge = dot(x + w - 3, y - h/2 + 2, sign) if sign else ''
    return rect(x, y - h/2, w, h, cls) + words + badge

def part(title, *area):
    "Register what a function draws in `area` (x, y, width, height), and the arrows that lead there"
    def add(draw):
        ground = rect(*area, 'part', 9) + label(area[0] + 10, area[1] + 19, title, 'b s')
        PARTS[draw.__name__] = rect(*area, 'ring', 9), ground + draw()
        return draw
    return add

@part('1  Data', 12, 38, 84, 238)
def data() -> str:
    photo = (rect(26, 72, 56, 56, 'img', 4) + path('M33 128 82 79M43 128 82 89', 'thin')
             + path('M34 80h14v12H34zM52 80h8v12h-8zM62 110h12v10H62z', 'imgf'))
    words = [label(54, 212 + 15*i, s, '') for i, s in enumerate(('planes', 'beside', 'a runway'))]
    return (photo + label(54, 144, 'image') + label(54, 166, 'B pairs') + label(54, 180, 'a batch')
            + rect(20, 196, 68, 54, 'txt', 4) + ''.join(words) + label(54, 267, 'caption')
            + label(156, 93, 'rotated, cropped') + label(156, 116, '3×256×256'))

@part('2  Vocabulary', 108, 162, 92, 114)
def vocab() -> str:
    pairs = ('planes', '2'), ('beside', '151'), ('a', '<unk>'), ('runway', '49')
    rows = [label(114, 206 + 15*i, word, 's') + label(175, 206 + 15*i, n, '')
            for i, (word, n) in enumerate(pairs)]
    return (rect(155, 192, 40, 64, 'txt', 4) + ''.join(rows) + label(175, 270, 'T ids')
            + steps(223, (90, 107)))

@part('3  Image encoder', 220, 38, 432, 114)
def vision() -> str:
    maps = ''.join(rect(324 + 5*i, 81 + 5*i, 28, 28, 'img', 2) for i in range(3))
    grid = path('M341 91v28M348 91v28M355 91v28M334 98h28M334 105h28M334 112h28', 'thin')
    return (steps(100, (84, 228), (306, 320), (364, 376), (472, 484), (540, 552), (604, 618))
            + maps + grid + box(230, 100, 74, 54, ['ResNet-18', 'ImageNet'], 'img', 'done')
            + label(341, 144, '512×8×8') + label(424, 144, '512×8×8')
            + box(378, 100, 92, 54, ['KEA, 64 keys', 'key-entity', 'attention'], 'img', 'open')
            + box(486, 100, 52, 54, ['Mean', 'over', 'places'], 'img') + label(512, 144, '512')
            + box(554, 100, 48, 54, ['Linear'], 'img', 'open')
            + vector(621, 100, 46, 'imgf') + label(625.5, 144, '512'))

@part('4  Text encoder', 220, 162, 432, 114)
def text() -> str:
    words = ''.join(vector(335 + 8*i, 223, 34, 'txtf', 5) for i in range(4))
    gru = ['Bayesian GRU', 'Skip-thoughts', 'dropout masks kept']
    return (steps(223, (197, 228), (320, 332), (366, 377), (491, 503), (516, 528), (595, 618))
            + box(230, 223, 88, 54, ['Word vectors', 'Skip-thoughts'], 'txt', 'done')
            + words + label(349.5, 267, 'T×620') + box(379, 223, 110, 54, gru, 'txt', 'done')
            + vector(505, 223, 56, 'txtf') + label(509.5, 267, '2400')
            + box(530, 223, 63, 54, ['Linear', 'then ReLU'], 'txt', 'open')
            + vector(621, 223, 46, 'txtf') + label(625.5, 267, '512'))

def matrix(x, y) -> str:
    "Cosines of images (rows) and captions (columns), the right pairs on the diagonal"
    cells = [rect(x + 11*j, y + 11*i, 9.5, 9.5, 'cell' if i - j else 'good', 1.5)
             for i in range(5) for j in range(5)]
    sides = rect(x - 6, y, 3, 53.5, 'imgf', 1.5) + rect(x, y - 6, 53.5, 3, 'txtf', 1.5)
    return ''.join(cells) + sides

@part('5  Hypersphere', 664, 38, 198, 238)
def hypersphere() -> str:
    ball = (dot(774, 112, 'op', 48) + path('M726 112a48 15 0 0 0 96 0', 'thin')
            + path('M726 112a48 15 0 0 1 96 0', 'thin dash'))
    rays = path('M727 100 774 112 731 133M755 107a20 20 0 0 0 1 14', 'line')
    ends = dot(727, 100, 'imgf', 5.5) + dot(731, 133, 'txtf', 5.5) + label(797, 109, 'cos θ', '')
    return (ball + rays + ends + steps(100, (634, 719)) + label(692, 92, 'project')
            + arrow((634, 223), (692, 223), (692, 133), (723, 133)) + label(833, 71, 'length 1')
            + arrow((774, 164), (774, 188)) + matrix(747, 200) + label(834, 224, 'B×B')
            + label(834, 239, 'cosines'))

@part('6  Losses', 220, 296, 468, 108)
def losses() -> str:
    forks = (arrow((676, 276), (676, 338), (665, 338)) + arrow((676, 338), (676, 380), (665, 380))
             + arrow((518, 338), (507, 338)) + arrow((518, 380), (507, 380)))
    weights = ['Learned weights', 'a small network', 'and softmax: w₁, w₂']
    return (forks + box(520, 338, 143, 36, ['Curriculum alignment', 'of the cosines'])
            + box(520, 380, 143, 36, ['Feature uniformity', 'of image vectors only'], 'img')
            + box(376, 359, 129, 72, weights, 'op', 'open') + arrow((374, 359), (362, 359))
            + box(232, 359, 128, 72, ['Total loss', 'w₁ × alignment', '+ w₂ × uniformity']))

@part('8  Evaluation', 710, 296, 160, 116)
def evaluate() -> str:
    ranks = ''.join(rect(725 + 19*i, 350, 15, 15, cls, 3)
                    for i, cls in enumerate(['bad', 'good'] + ['cell']*5))
    return (ranks + label(790, 340, 'ranks of N×M cosines') + label(790, 384, 'R@1, R@5, R@10', 'b')
            + label(790, 400, 'both ways') + arrow((774, 257), (774, 294)))

@part('9  Training', 12, 296, 168, 116)
def train() -> str:
    rate = path('M30 352Q37 341 57 336H82V352H138V368H168', 'line')
    return (rate + path('M30 374h138M30 374V332', 'thin') + label(131, 345, 'log learning rate')
            + label(99, 387, '50 epochs') + label(96, 403, 'AdamW on all weights')
            + arrow((230, 359), (182, 359)) + steps(396, (180, 210)))

def frame(cls) -> str:
    "The outline of the model, around the parts in `MODEL`"
    return path('M222 12H860a10 10 0 0 1 10 10V274a10 10 0 0 1-10 10H708a10 10 0 0 0-10 10V402'
                'a10 10 0 0 1-10 10H222a10 10 0 0 1-10-10V22a10 10 0 0 1 10-10z', cls)

PARTS['model'] = frame('ring'), frame('frame') + label(230, 30, '7  Model', 'b s')

def legend() -> str:
    "What the signs and the colours mean, and whose sizes these are"
    signs = (24, 'done', 'pretrained, trained further'), (216, 'open', 'trained from scratch')
    hues = ((380, 'imgf', 'image'), (456, 'txtf', 'caption'), (544, 'good', 'right pair'),
            (644, 'bad', 'wrong one ranked above it'))
    keys = [dot(x, 436, cls) + label(x + 10, 440, s, 's q') for x, cls, s in signs]
    keys += [rect(x, 430, 12, 12, cls, 2) + label(x + 18, 440, s, 's q') for x, cls, s in hues]
    return ''.join(keys) + label(14, 29, 'HVSA in its published sizes', 's q')

def figure(lit='') -> str:
    "The figure as SVG text; with a part `lit`, that one is outlined and the others are faded"
    shown = {'': PARTS, 'model': ['model', *MODEL]}.get(lit, [lit])
    body = [drawing if name in shown else f'<g class="off">{drawing}</g>'
            for name, (_, drawing) in PARTS.items()]
    head = 'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 454" width="880" height="454"'
    words = f'<title>Architecture of HVSA</title><desc>{DESC}</desc>{style()}'
    return (f'<svg {head} role="img">{words}{rect(.5, .5, 879, 453, "bg", 10)}'
            f'{"".join(body)}{legend()}{PARTS[lit][0] if lit else ""}</svg>\n')

@call_parse
def main(
    check:bool=False, # Change nothing; fail where a file is missing, out of date or left over
):
    "Draw nbs/images/architecture.svg, and once more for each part with that part lit"
    files = {FOLDER/f'architecture-{name}.svg': figure(name).encode() for name in PARTS}
    files[FOLDER/'architecture.svg'] = figure().encode()
    stale = [p for p in FOLDER.glob('architecture*.svg') if p not in files]
    wrong = stale + [p for p, svg in files.items() if not p.exists() or p.read_bytes() != svg]
    if check: sys.exit(f'run tools/architecture.py: {[p.name for p in wrong]}' if wrong else 0)
    for p in stale: p.unlink()
    for p, svg in files.items(): p.write_bytes(svg)
    print(f'{len(files)} figures in {FOLDER}')
