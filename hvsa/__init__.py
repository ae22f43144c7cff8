"""HVSA: aerial images and sentences on one hypersphere. `hvsa.load(run)` opens a trained run."""
__version__ = "0.2.0"

def __getattr__(name:str):
    "`hvsa.load`, imported when it is asked for: `import hvsa` alone stays quick."
    if name != 'load': raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from importlib import import_module
    import_module('.use.indexing', __name__)                # gives models their `index`
    return import_module('.model', __name__).load
