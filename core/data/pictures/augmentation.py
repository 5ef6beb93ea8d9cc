"""Which random changes training pictures undergo; `augment` makes them."""

from pydantic import BaseModel, ConfigDict, Field


class Augmentation(BaseModel):
    """Random changes to training pictures; all zero or False means none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: bool = True
    rotation_degrees: float = Field(15.0, ge=0.0, le=180.0)
    zoom: float = Field(0.15, ge=0.0, le=0.9, description="Largest relative change of scale")
    brightness: float = Field(0.0, ge=0.0, le=0.9, description="Largest relative change of brightness")

    @property
    def is_on(self) -> bool:
        """Whether anything is changed at all."""
        return self.flip or any((self.rotation_degrees, self.zoom, self.brightness))


NO_AUGMENTATION = Augmentation(flip=False, rotation_degrees=0.0, zoom=0.0, brightness=0.0)
