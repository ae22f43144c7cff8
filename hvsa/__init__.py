"""HVSA: aerial images and sentences on one hypersphere. `hvsa.load(run)` opens a trained run."""
__version__ = "0.2.0"

def __getattr__(name:str):
    "`hvsa.load`, imported when it is asked for: `import hvsa` alone stays quick."
    if name != 'load': raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from importlib import import_module
    for patched in ('indexing', 'attention'):               # give models `index` and `attention`
        import_module(f'.use.{patched}', __name__)
    return import_module('.use.share', __name__).load
