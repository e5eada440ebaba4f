import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CredentialPart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_PART_UNSPECIFIED: _ClassVar[CredentialPart]
    CREDENTIAL_PART_USERNAME: _ClassVar[CredentialPart]
    CREDENTIAL_PART_PASSWORD: _ClassVar[CredentialPart]
    CREDENTIAL_PART_ONE_TIME_CODE: _ClassVar[CredentialPart]

class DialogAnswer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIALOG_ANSWER_UNSPECIFIED: _ClassVar[DialogAnswer]
    DIALOG_ANSWER_ACCEPT: _ClassVar[DialogAnswer]
    DIALOG_ANSWER_DISMISS: _ClassVar[DialogAnswer]
CREDENTIAL_PART_UNSPECIFIED: CredentialPart
CREDENTIAL_PART_USERNAME: CredentialPart
CREDENTIAL_PART_PASSWORD: CredentialPart
CREDENTIAL_PART_ONE_TIME_CODE: CredentialPart
DIALOG_ANSWER_UNSPECIFIED: DialogAnswer
DIALOG_ANSWER_ACCEPT: DialogAnswer
DIALOG_ANSWER_DISMISS: DialogAnswer

class Action(_message.Message):
    __slots__ = ("timeout", "note", "expect", "goto", "click", "fill", "select", "set_checked", "press_key", "hover", "scroll", "wait", "extract", "back", "reload", "upload", "find_record", "tab", "dialog", "drag", "set_range", "set_date", "select_text", "pick_row")
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    GOTO_FIELD_NUMBER: _ClassVar[int]
    CLICK_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    SET_CHECKED_FIELD_NUMBER: _ClassVar[int]
    PRESS_KEY_FIELD_NUMBER: _ClassVar[int]
    HOVER_FIELD_NUMBER: _ClassVar[int]
    SCROLL_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    EXTRACT_FIELD_NUMBER: _ClassVar[int]
    BACK_FIELD_NUMBER: _ClassVar[int]
    RELOAD_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    FIND_RECORD_FIELD_NUMBER: _ClassVar[int]
    TAB_FIELD_NUMBER: _ClassVar[int]
    DIALOG_FIELD_NUMBER: _ClassVar[int]
    DRAG_FIELD_NUMBER: _ClassVar[int]
    SET_RANGE_FIELD_NUMBER: _ClassVar[int]
    SET_DATE_FIELD_NUMBER: _ClassVar[int]
    SELECT_TEXT_FIELD_NUMBER: _ClassVar[int]
    PICK_ROW_FIELD_NUMBER: _ClassVar[int]
    timeout: _duration_pb2.Duration
    note: str
    expect: _containers.RepeatedCompositeFieldContainer[Expect]
    goto: Goto
    click: Click
    fill: Fill
    select: Select
    set_checked: SetChecked
    press_key: PressKey
    hover: Hover
    scroll: Scroll
    wait: Wait
    extract: Extract
    back: Back
    reload: Reload
    upload: Upload
    find_record: FindRecord
    tab: Tab
    dialog: Dialog
    drag: Drag
    set_range: SetRange
    set_date: SetDate
    select_text: SelectText
    pick_row: PickRow
    def __init__(self, timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., note: _Optional[str] = ..., expect: _Optional[_Iterable[_Union[Expect, _Mapping]]] = ..., goto: _Optional[_Union[Goto, _Mapping]] = ..., click: _Optional[_Union[Click, _Mapping]] = ..., fill: _Optional[_Union[Fill, _Mapping]] = ..., select: _Optional[_Union[Select, _Mapping]] = ..., set_checked: _Optional[_Union[SetChecked, _Mapping]] = ..., press_key: _Optional[_Union[PressKey, _Mapping]] = ..., hover: _Optional[_Union[Hover, _Mapping]] = ..., scroll: _Optional[_Union[Scroll, _Mapping]] = ..., wait: _Optional[_Union[Wait, _Mapping]] = ..., extract: _Optional[_Union[Extract, _Mapping]] = ..., back: _Optional[_Union[Back, _Mapping]] = ..., reload: _Optional[_Union[Reload, _Mapping]] = ..., upload: _Optional[_Union[Upload, _Mapping]] = ..., find_record: _Optional[_Union[FindRecord, _Mapping]] = ..., tab: _Optional[_Union[Tab, _Mapping]] = ..., dialog: _Optional[_Union[Dialog, _Mapping]] = ..., drag: _Optional[_Union[Drag, _Mapping]] = ..., set_range: _Optional[_Union[SetRange, _Mapping]] = ..., set_date: _Optional[_Union[SetDate, _Mapping]] = ..., select_text: _Optional[_Union[SelectText, _Mapping]] = ..., pick_row: _Optional[_Union[PickRow, _Mapping]] = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ("role", "name", "exact", "within", "nth", "css", "test_id", "frame")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    WITHIN_FIELD_NUMBER: _ClassVar[int]
    NTH_FIELD_NUMBER: _ClassVar[int]
    CSS_FIELD_NUMBER: _ClassVar[int]
    TEST_ID_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    role: str
    name: str
    exact: bool
    within: str
    nth: int
    css: str
    test_id: str
    frame: str
    def __init__(self, role: _Optional[str] = ..., name: _Optional[str] = ..., exact: _Optional[bool] = ..., within: _Optional[str] = ..., nth: _Optional[int] = ..., css: _Optional[str] = ..., test_id: _Optional[str] = ..., frame: _Optional[str] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("literal", "parameter", "from_step", "credential", "sensitive")
    LITERAL_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    FROM_STEP_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    literal: str
    parameter: str
    from_step: StepOutput
    credential: CredentialField
    sensitive: bool
    def __init__(self, literal: _Optional[str] = ..., parameter: _Optional[str] = ..., from_step: _Optional[_Union[StepOutput, _Mapping]] = ..., credential: _Optional[_Union[CredentialField, _Mapping]] = ..., sensitive: _Optional[bool] = ...) -> None: ...

class StepOutput(_message.Message):
    __slots__ = ("action", "block_id", "path")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    BLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    action: int
    block_id: str
    path: str
    def __init__(self, action: _Optional[int] = ..., block_id: _Optional[str] = ..., path: _Optional[str] = ...) -> None: ...

class CredentialField(_message.Message):
    __slots__ = ("part", "username")
    PART_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    part: CredentialPart
    username: str
    def __init__(self, part: _Optional[_Union[CredentialPart, str]] = ..., username: _Optional[str] = ...) -> None: ...

class Goto(_message.Message):
    __slots__ = ("url", "allow_error_status")
    URL_FIELD_NUMBER: _ClassVar[int]
    ALLOW_ERROR_STATUS_FIELD_NUMBER: _ClassVar[int]
    url: str
    allow_error_status: bool
    def __init__(self, url: _Optional[str] = ..., allow_error_status: _Optional[bool] = ...) -> None: ...

class Click(_message.Message):
    __slots__ = ("target", "click_count", "times", "every", "at")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CLICK_COUNT_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    target: Target
    click_count: int
    times: int
    every: bool
    at: Offset
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., click_count: _Optional[int] = ..., times: _Optional[int] = ..., every: _Optional[bool] = ..., at: _Optional[_Union[Offset, _Mapping]] = ...) -> None: ...

class Fill(_message.Message):
    __slots__ = ("target", "value", "submit")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_FIELD_NUMBER: _ClassVar[int]
    target: Target
    value: Value
    submit: bool
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., value: _Optional[_Union[Value, _Mapping]] = ..., submit: _Optional[bool] = ...) -> None: ...

class Select(_message.Message):
    __slots__ = ("target", "option", "more_options")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    OPTION_FIELD_NUMBER: _ClassVar[int]
    MORE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    target: Target
    option: Value
    more_options: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., option: _Optional[_Union[Value, _Mapping]] = ..., more_options: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class SetChecked(_message.Message):
    __slots__ = ("target", "checked")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CHECKED_FIELD_NUMBER: _ClassVar[int]
    target: Target
    checked: bool
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., checked: _Optional[bool] = ...) -> None: ...

class PressKey(_message.Message):
    __slots__ = ("key", "target")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    key: str
    target: Target
    def __init__(self, key: _Optional[str] = ..., target: _Optional[_Union[Target, _Mapping]] = ...) -> None: ...

class Hover(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: Target
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ...) -> None: ...

class Scroll(_message.Message):
    __slots__ = ("target", "delta_y")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    DELTA_Y_FIELD_NUMBER: _ClassVar[int]
    target: Target
    delta_y: int
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., delta_y: _Optional[int] = ...) -> None: ...

class Wait(_message.Message):
    __slots__ = ("duration", "condition")
    DURATION_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    duration: _duration_pb2.Duration
    condition: Expect
    def __init__(self, duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., condition: _Optional[_Union[Expect, _Mapping]] = ...) -> None: ...

class Expect(_message.Message):
    __slots__ = ("url_glob", "text", "text_gone", "visible", "hidden", "value", "title", "number")
    URL_GLOB_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TEXT_GONE_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    url_glob: str
    text: str
    text_gone: str
    visible: Target
    hidden: Target
    value: FieldValue
    title: str
    number: NumberIs
    def __init__(self, url_glob: _Optional[str] = ..., text: _Optional[str] = ..., text_gone: _Optional[str] = ..., visible: _Optional[_Union[Target, _Mapping]] = ..., hidden: _Optional[_Union[Target, _Mapping]] = ..., value: _Optional[_Union[FieldValue, _Mapping]] = ..., title: _Optional[str] = ..., number: _Optional[_Union[NumberIs, _Mapping]] = ...) -> None: ...

class FieldValue(_message.Message):
    __slots__ = ("target", "equals")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    EQUALS_FIELD_NUMBER: _ClassVar[int]
    target: Target
    equals: str
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., equals: _Optional[str] = ...) -> None: ...

class Extract(_message.Message):
    __slots__ = ("schema", "within")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    WITHIN_FIELD_NUMBER: _ClassVar[int]
    schema: _struct_pb2.Struct
    within: str
    def __init__(self, schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., within: _Optional[str] = ...) -> None: ...

class FindRecord(_message.Message):
    __slots__ = ("label", "value", "noun")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NOUN_FIELD_NUMBER: _ClassVar[int]
    label: str
    value: Value
    noun: str
    def __init__(self, label: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ..., noun: _Optional[str] = ...) -> None: ...

class Back(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Reload(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Tab(_message.Message):
    __slots__ = ("switch_to", "open", "close")
    SWITCH_TO_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    switch_to: WhichTab
    open: NewTab
    close: WhichTab
    def __init__(self, switch_to: _Optional[_Union[WhichTab, _Mapping]] = ..., open: _Optional[_Union[NewTab, _Mapping]] = ..., close: _Optional[_Union[WhichTab, _Mapping]] = ...) -> None: ...

class WhichTab(_message.Message):
    __slots__ = ("index", "title", "url", "page_id", "previous")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    PAGE_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    index: int
    title: str
    url: str
    page_id: str
    previous: bool
    def __init__(self, index: _Optional[int] = ..., title: _Optional[str] = ..., url: _Optional[str] = ..., page_id: _Optional[str] = ..., previous: _Optional[bool] = ...) -> None: ...

class NewTab(_message.Message):
    __slots__ = ("url",)
    URL_FIELD_NUMBER: _ClassVar[int]
    url: str
    def __init__(self, url: _Optional[str] = ...) -> None: ...

class Dialog(_message.Message):
    __slots__ = ("answer", "text", "message")
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    answer: DialogAnswer
    text: Value
    message: str
    def __init__(self, answer: _Optional[_Union[DialogAnswer, str]] = ..., text: _Optional[_Union[Value, _Mapping]] = ..., message: _Optional[str] = ...) -> None: ...

class Upload(_message.Message):
    __slots__ = ("target", "files")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    target: Target
    files: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., files: _Optional[_Iterable[str]] = ...) -> None: ...

class NumberIs(_message.Message):
    __slots__ = ("label", "less_than", "greater_than", "equal_to")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    LESS_THAN_FIELD_NUMBER: _ClassVar[int]
    GREATER_THAN_FIELD_NUMBER: _ClassVar[int]
    EQUAL_TO_FIELD_NUMBER: _ClassVar[int]
    label: str
    less_than: float
    greater_than: float
    equal_to: float
    def __init__(self, label: _Optional[str] = ..., less_than: _Optional[float] = ..., greater_than: _Optional[float] = ..., equal_to: _Optional[float] = ...) -> None: ...

class Drag(_message.Message):
    __slots__ = ("target", "onto", "before", "after", "by", "by_corner", "at")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ONTO_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    BY_CORNER_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    target: Target
    onto: Target
    before: Target
    after: Target
    by: Offset
    by_corner: bool
    at: Offset
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., onto: _Optional[_Union[Target, _Mapping]] = ..., before: _Optional[_Union[Target, _Mapping]] = ..., after: _Optional[_Union[Target, _Mapping]] = ..., by: _Optional[_Union[Offset, _Mapping]] = ..., by_corner: _Optional[bool] = ..., at: _Optional[_Union[Offset, _Mapping]] = ...) -> None: ...

class Offset(_message.Message):
    __slots__ = ("x", "y")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ...) -> None: ...

class SetRange(_message.Message):
    __slots__ = ("target", "value")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    target: Target
    value: float
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., value: _Optional[float] = ...) -> None: ...

class SetDate(_message.Message):
    __slots__ = ("target", "date")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    target: Target
    date: str
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., date: _Optional[str] = ...) -> None: ...

class SelectText(_message.Message):
    __slots__ = ("target", "text")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    target: Target
    text: str
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., text: _Optional[str] = ...) -> None: ...

class PickRow(_message.Message):
    __slots__ = ("where", "order_by", "descending", "nth", "press")
    WHERE_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    DESCENDING_FIELD_NUMBER: _ClassVar[int]
    NTH_FIELD_NUMBER: _ClassVar[int]
    PRESS_FIELD_NUMBER: _ClassVar[int]
    where: _containers.RepeatedCompositeFieldContainer[RowIs]
    order_by: str
    descending: bool
    nth: int
    press: Target
    def __init__(self, where: _Optional[_Iterable[_Union[RowIs, _Mapping]]] = ..., order_by: _Optional[str] = ..., descending: _Optional[bool] = ..., nth: _Optional[int] = ..., press: _Optional[_Union[Target, _Mapping]] = ...) -> None: ...

class RowIs(_message.Message):
    __slots__ = ("label", "contains", "equals", "less_than", "greater_than")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CONTAINS_FIELD_NUMBER: _ClassVar[int]
    EQUALS_FIELD_NUMBER: _ClassVar[int]
    LESS_THAN_FIELD_NUMBER: _ClassVar[int]
    GREATER_THAN_FIELD_NUMBER: _ClassVar[int]
    label: str
    contains: str
    equals: str
    less_than: float
    greater_than: float
    def __init__(self, label: _Optional[str] = ..., contains: _Optional[str] = ..., equals: _Optional[str] = ..., less_than: _Optional[float] = ..., greater_than: _Optional[float] = ...) -> None: ...
