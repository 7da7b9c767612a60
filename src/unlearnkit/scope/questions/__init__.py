"""Questions composed from the scope.

They are about its subjects and neighbors, in all its languages. A forget split shows a few ways of asking about each
subject; a model can learn those sentences and miss the subject. These questions name a subject in words that no probe
uses. Some are borrowed from retain rows with the subject's name inserted: with new sentences only, a model learns to
refuse sentences that it has not seen, and still answers those it has. Each question is also asked about neighbors, in
the same words and with the same note of what is asked, so only the name separates what is in scope from what is not.
And it is asked about names that resemble a part of a subject's name: a model that knows a subject by one word of a
title reacts to that word everywhere.
"""
