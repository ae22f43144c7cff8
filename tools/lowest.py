"""The oldest versions that settings.ini allows, as a constraints file: `python tools/lowest.py > lowest.txt`, then
`pip install -c lowest.txt .` holds its lower bounds to their word.
"""
import configparser, re
from pathlib import Path
from fastcore.script import call_parse

def lowest(requirements:str) -> list[str]:
    "name==version for every requirement with a lower bound."
    found = [re.match(r'([\w.-]+)(?:\[[^\]]*\])?>=([\w.]+)', text) for text in requirements.split()]
    return [f'{m[1]}=={m[2]}' for m in found if m]

@call_parse
def main():
    "Print a constraints file of what the package itself requires"
    settings = configparser.ConfigParser()
    settings.read(Path(__file__).resolve().parent.parent/'settings.ini', encoding='utf-8')
    lines = lowest(settings['DEFAULT']['requirements'])
    assert lines and lowest('a>=1.2,<3 b c[x]>=2;x<3') == ['a==1.2', 'c==2']
    print('\n'.join(lines))
