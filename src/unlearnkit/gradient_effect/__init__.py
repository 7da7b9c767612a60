"""G-effects: how a training step on an objective changes a risk.

A risk is the mean negative log-likelihood of a set of rows. G-effects are computed for each token, each instance and
each group of weights.

The G-effect of an objective L on a risk R is e = <grad R, grad L> (arXiv:2502.19301, Definition 1). A small step of
gradient descent on L changes R by about -(learning rate) * e: a positive effect lowers the risk, and a negative effect
raises the risk. The unlearning effect e_u is the effect on the risk of the forget rows and should be far below 0. The
retaining effect e_r is the effect on the risk of the retain rows and should not be below 0.

An objective is a function of the model's outputs o_i at labeled tokens, such as log-probabilities, divergences and
hidden states. By the chain rule, grad L = sum_i c_i grad o_i. Only the coefficients c_i depend on the objective.
Therefore e = sum_i c_i s_i, where the slope s_i = <grad o_i, grad R> is the derivative of output i along the risk's
gradient. One forward-mode pass computes all slopes of a risk. After that, the effect of any objective on this risk,
with any settings, is a dot product.
"""
