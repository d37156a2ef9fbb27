"""Writes pydantic-models.json: schemas as the Python SDK's parse() sends them.

    pip install pydantic openai email-validator && python test/chat/pydantic_models.py
"""

import datetime
import enum
import json
import pathlib
import typing
import uuid

import openai
import pydantic
from openai.lib._pydantic import to_strict_json_schema
from pydantic import Field

Word = typing.Annotated[str, Field(max_length=12)]


class Colour(enum.Enum):
    red = "red"
    green = "green"


class Point(pydantic.BaseModel):
    x: typing.Annotated[float, Field(ge=-1.5, lt=2.25)]
    y: typing.Annotated[int, Field(gt=0, multiple_of=5, le=500)]


class Event(pydantic.BaseModel):
    """Dates and ids."""

    id: uuid.UUID
    day: datetime.date
    at: datetime.datetime
    mail: pydantic.EmailStr


class Cat(pydantic.BaseModel):
    kind: typing.Literal["cat"]
    lives: typing.Annotated[int, Field(ge=0, le=9)]


class Dog(pydantic.BaseModel):
    kind: typing.Literal["dog"]
    name: Word


class Owner(pydantic.BaseModel):
    pet: typing.Annotated[typing.Union[Cat, Dog], Field(discriminator="kind")]
    favourite: typing.Optional[Colour] = None


class Coded(pydantic.BaseModel):
    code: typing.Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3}$")]
    pair: typing.Tuple[Word, bool]


class Tree(pydantic.BaseModel):
    label: Colour
    left: typing.Optional[Cat] = None


class Listed(pydantic.BaseModel):
    points: typing.Annotated[typing.List[Point], Field(min_length=1, max_length=2)]
    flags: typing.Annotated[typing.List[bool], Field(max_length=2)]


MODELS = [Point, Event, Owner, Coded, Tree, Listed]
schemas = {model.__name__: to_strict_json_schema(model) for model in MODELS}
made = {"pydantic": pydantic.VERSION, "openai": openai.VERSION, "schemas": schemas}
target = pathlib.Path(__file__).with_name("pydantic-models.json")
target.write_text(json.dumps(made, indent=2) + "\n")
