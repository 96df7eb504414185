"""Eyes on a recipient's buckets: how they are set up, read where they are, by the protocol of S3.

`signing` proves who asks, `reading` asks for one part of the configuration at a time, `policies` judges who a bucket's
policy lets in, and `regions` says in which country a region lies. They ask and change nothing, and no object is read.
"""
