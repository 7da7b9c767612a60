"""G-effects: how an objective's gradient changes risks.

They are computed by token, by instance and by group of weights.

The G-effect of an objective L on a risk R is e = <grad R, grad L> (arXiv:2502.19301, Definition 1). A small step down L
changes R by about -(learning rate) * e: a positive effect lowers the risk, a negative one raises it. The unlearning
effect e_u, on what must be forgotten, should be far below 0; the retaining effect e_r, on what must stay, should not
be below 0.

An objective is a function of the model's outputs at labeled tokens: log-probabilities, divergences, hidden states. So
grad L = sum_i c_i grad o_i with coefficients c that depend on the objective alone, and e = sum_i c_i s_i where
s_i = <grad o_i, grad R> is the slope of output i along the risk's gradient. One forward-mode pass gives all slopes;
then the effect of every objective, with any settings, is a dot product.
"""
