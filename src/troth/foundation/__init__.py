"""What all sections stand on. It knows the policy and no section.

The store keeps what troth must remember, under keys that hide whom it is about; people are dense numbers behind keyed
hashes; staff come in by sessions; proof turns observations into verdicts; the network eyes look at the company from
outside.
"""
