"""
The rule-book: pure Python, no database, no HTTP, no clock, no settings.

Read it in this order (README.md beside this file says the same in prose, with all the numbers):

accounts      R1-R4      pricing models, migration, the first purchase
catalogue                what is sold, as data: products, tiers, seat types, features, prices
seats         R5-R8, R11-R15   who may hold which seats together, what giving and taking does
entitlements  R9         what a user may do with a feature
permissions   R10        who may do what
pools         R11, R17-R22, R32   how many there are, may be bought, given back
prices        R17        shares of a term and amounts of money
terms         R24        where terms begin and end
calendar      R24        days, weeks and months as an account sees them
history       R28, R29   what an event says about the past
refusals                 every way to say no
"""
