# Jupyter server configuration, read beside jupyter_server_config.json. Keeps Nagle's algorithm off for WebSockets:
# tornado turns it on again after the HTTP upgrade, and together with the browser's delayed acknowledgements that makes
# every cell and every slider move wait 40 ms. With this, an empty cell takes about 5 ms instead of 44.
from tornado.iostream import IOStream

if not getattr(IOStream.set_nodelay, "braid", False):
    _set_nodelay = IOStream.set_nodelay

    def _always(self, value):
        _set_nodelay(self, True)

    _always.braid = True
    IOStream.set_nodelay = _always
