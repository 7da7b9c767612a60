"""The G-effect toolkit: what an objective's gradient does to risks, for every token, instance and group of weights.

The G-effect of an objective L on a risk R is e = <grad R, grad L> (arXiv:2502.19301, Definition 1): a small step down L
changes R by about -(learning rate) * e, so a positive effect lowers the risk and a negative one raises it. What is to
be forgotten has its unlearning effect e_u far below 0, and what must stay its retaining effect e_r not below 0.

An objective is a function of the model's outputs at labeled tokens: log-probabilities, divergences, hidden states. So
grad L = sum_i c_i grad o_i with coefficients c that come from the objective alone, and e = sum_i c_i s_i where
s_i = <grad o_i, grad R> is output i's slope along the risk's gradient. One forward-mode pass gives all the slopes, and
then every objective and every setting of it is a dot product.
"""
