"""Draw nbs/images/card.png, the picture with which a link to the site is shown elsewhere."""
import tempfile
from pathlib import Path
import matplotlib
from fastcore.script import call_parse
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, INK, BAR = 1200, 630, '#f2f6f8', '#10303f'
SCENES = 0, 6, 18, 11, 20, 1, 25, 37, 47  # of the toy world with seed 3

def font(size:int, bold:bool=False):
    name = f'fonts/ttf/DejaVuSans{"-Bold" if bold else ""}.ttf'
    return ImageFont.truetype(str(Path(matplotlib.get_data_path())/name), size)

@call_parse
def main():
    "Draw the card: the project's name, what it does, and nine scenes of the toy world"
    from hvsa.toy import make_toy
    from nbdev.config import get_config
    with tempfile.TemporaryDirectory() as folder:
        made = make_toy(Path(folder)/'toy', n=60, size=210, seed=3, progress=False)
        names = dict.fromkeys((made/'train_filename.txt').read_text(encoding='utf-8').split())
        scenes = [Image.open(made/'images'/list(names)[i]).convert('RGB') for i in SCENES]
    card = Image.new('RGB', (WIDTH, HEIGHT), BAR)
    for i, scene in enumerate(scenes):
        card.paste(scene.resize((210, 210)), (WIDTH - 630 + 210*(i % 3), 210*(i//3)))
    draw = ImageDraw.Draw(card)
    draw.text((60, 120), 'hvsa', INK, font(96, True))
    what = 'Aerial images\nfound by a sentence,\nand sentences\nby an image'
    draw.multiline_text((60, 270), what, INK, font(38), spacing=14)
    draw.text((60, 530), 'A method in ten notebooks', '#a9c4d0', font(26))
    card.quantize(256).save(get_config().nbs_path/'images/card.png', optimize=True)
