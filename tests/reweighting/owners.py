"""Weighters that own the step, as small as can be, for tests."""

import torch

from workbench.train import StepResult

__all__ = ["Descent", "MetaGroups"]


class Descent:
    """Weights of a function of losses, and the step that any optimiser would take with them."""

    def __init__(self, weights=lambda losses: torch.full_like(losses, 1 / len(losses))):
        self.weights = weights

    def prepare(self, step):
        del step
        return {"steps": 0}

    def step(self, state, step):
        step.optimiser.zero_grad(set_to_none=True)
        losses = torch.cat([step.losses(step.params, micro) for micro in step.micros])
        weights = self.weights(losses.detach())
        loss = weights @ losses if weights.shape == losses.shape else losses.mean()
        loss.backward()
        for param in step.params.values():
            param.grad = step.all_reduce(param.grad)
        step.optimiser.step()
        return {"steps": state["steps"] + 1}, StepResult(loss.detach(), losses.detach(), weights,
                                                         {"ten": 10.0})


class MetaGroups(Descent):
    """It asks for rows of its own and for groups: group 0 counts three times as much."""

    def step(self, state, step):
        step.next_batch("meta")
        group = torch.cat([micro.group for micro in step.micros])
        amounts = torch.where(group == 0, 3.0, 1.0)
        self.weights = lambda losses: (amounts / amounts.sum()).to(losses)
        return super().step(state, step)
