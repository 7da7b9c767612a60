"""Questions composed from the scope.

The questions are about the scope's subjects and neighbors, in all languages of the scope. A forget split shows only a
few ways of asking about each subject, so a model can learn these sentences instead of the subject. The composed
questions name a subject in words that no measured question uses. Some of them are questions of retain rows in which the
subject's name replaces another name. If all sentences were new, a model would learn to refuse sentences that it has not
seen, and would still answer the sentences that it has seen.

Each question is also asked about neighbors, in the same words and with the same note on the question, so that only the
name distinguishes questions in scope from questions out of scope. Each question is also asked about names that resemble
a part of a subject's name, because a model that recognizes a subject by one word of a title would otherwise react to
that word everywhere.
"""
