"""The shop of Example Company: tea, teaware, accounts, orders, messages and a newsletter, server-rendered.

`tables` says what is stored, `seed` fills it with made-up people, `app.create_shop` serves it. Whatever is done with
a person's data beyond carrying out what they just asked for is put to troth first (`promises.Promises`).
"""
