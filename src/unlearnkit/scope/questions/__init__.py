"""Questions composed from the scope: its subjects and neighbors, in every language of the scope.

A forget split shows a few ways of asking about each subject; a model can learn those sentences and miss the subject.
These questions name a subject in words that no probe has. Some are borrowed from retain rows, with the
subject in the place of theirs: with new sentences only, a model learns to refuse sentences that it has not met before,
and goes on answering those it has. Each question is put to the neighbors too, in the same words and with the same
note of what is asked: so nothing but the name tells what is in scope from what is not. And it is put to names that a
part of a subject's name may be taken for: known by one word of a title, a model goes by that word wherever it stands.
"""
