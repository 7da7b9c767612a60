"""Questions composed from the scope.

The questions are about the scope's subjects and neighbors, in all languages of the scope. A forget split shows only a
few ways of asking about each subject, so a model that is trained only on the split can learn to refuse these sentences
instead of questions about the subject. The composed questions therefore ask about a subject in sentences that no
measured question uses. Some composed questions are questions of retain rows in which the subject's name replaces
another name. If all sentences were new, a model would learn to refuse unfamiliar sentences, and would still answer
questions about the subject in familiar sentences.

Each question is also asked about neighbors, in the same words and with the same note (a summary of the question at the
start of the trace). Only the name then distinguishes questions in scope from questions out of scope. Each question is
also asked about names that resemble a part of a subject's name. Otherwise, a model that recognizes a subject by one
word of a title would refuse every question that contains this word.
"""
