"""G-effects: how a step along an objective's gradient changes risks.

G-effects are computed for each token, each instance and each group of weights.

The G-effect of an objective L on a risk R is e = <grad R, grad L> (arXiv:2502.19301, Definition 1). A small step of
gradient descent on L changes R by about -(learning rate) * e: a positive effect lowers the risk, and a negative effect
raises the risk. The unlearning effect e_u is the effect on the risk of the forget rows and should be far below 0. The
retaining effect e_r is the effect on the risk of the retain rows and should not be below 0.

An objective is a function of the model's outputs at labeled tokens: log-probabilities, divergences, hidden states.
Therefore grad L = sum_i c_i grad o_i, where only the coefficients c_i depend on the objective, and e = sum_i c_i s_i,
where s_i = <grad o_i, grad R> is the slope of output i, that is, its derivative along the risk's gradient. One
forward-mode pass computes all slopes. After that, the effect of any objective, with any settings, is a dot product.
"""
