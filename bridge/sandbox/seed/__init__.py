"""Records to fill the CRM sandbox with: ``{object: [raw records]}``, as ``Control.seed`` takes them."""

from bridge.sandbox.seed.demo import demo
from bridge.sandbox.seed.opportunities import load_sales_opportunities

__all__ = ["demo", "load_sales_opportunities"]
