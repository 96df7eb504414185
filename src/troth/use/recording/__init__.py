"""What proves a choice to others: consent records by ISO/IEC TS 27560:2023, signed receipts, import and export.

`records` reads the register into records; `receipts` signs one and verifies it without troth's store; `importing`
brings consents from elsewhere with their provenance, all of a file or nothing; `exporting` writes the register out. A
door: `commands`.
"""
