"""Packaging: everything is read from settings.ini."""
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

root = Path(__file__).resolve().parent
config = ConfigParser(delimiters=['='])
config.read(root/'settings.ini', encoding='utf-8')
cfg = config['DEFAULT']
extras = {k.removesuffix('_requirements'): v.split() for k, v in cfg.items() if k.endswith('_requirements')}
extras['dev'] += [r for name, reqs in extras.items() if name != 'dev' for r in reqs]  # tests use them all

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=(root/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author=cfg['author'],
    url=cfg['git_url'],
    license='Apache-2.0',
    keywords=cfg['keywords'],
    python_requires='>=' + cfg['min_python'],
    packages=find_packages(include=['hvsa', 'hvsa.*']),
    package_data={'hvsa': ['use/page/*']},
    install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points={
        'console_scripts': cfg['console_scripts'].split(),
        'nbdev': ['hvsa=hvsa._modidx:d'],  # lets nbdev turn names in backticks into links
    },
    zip_safe=False,
)
