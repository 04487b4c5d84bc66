"""
Seatkeeper's core: what the product is about. It knows nothing of webhooks.

rules       what is allowed          pure Python, the rule-book
operations  do it                    one verb, one transaction, its events
queries     tell me                  read only
api         over HTTP                a view is decorators and one call
"""

__version__ = "0.1.0"
