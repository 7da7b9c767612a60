"""Questions composed from the scope.

The questions are about the scope's subjects and neighbors, in all languages of the scope. A forget split contains only
a few questions about each subject. A model that is trained only on the split can learn to refuse these few questions
instead of all questions about the subject. The composed questions therefore ask about the subject in other words.
No composed question is also used to measure the model. Some composed questions are adapted from retain rows: the
subject's name replaces another name. If all wordings were new, a model would learn to refuse unfamiliar wordings, and
would still answer questions about the subject in familiar wordings.

A trace begins with a note, which is a summary of the question. Each question is also asked about neighbors, in the same
words and with the same note. Only the name then distinguishes questions in scope from questions out of scope.
Questions are also asked about names that share a word with a subject's name. Otherwise, a model that recognizes a
subject by one word would refuse every question that contains this word.
"""
