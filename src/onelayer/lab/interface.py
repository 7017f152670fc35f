"""The words of the interface itself, in both languages: what a lesson's own prose need not say."""

from typing import Literal, get_args

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

HTML_LANGUAGE: dict[Language, str] = {"zh": "zh-CN", "en": "en"}

_WORDS: dict[str, dict[Language, str]] = {
    "language": {"zh": "中文", "en": "English"},
    "lab": {"zh": "onelayer 实验室", "en": "onelayer lab"},
    "about": {
        "zh": "《动手学深度学习》的“线性神经网络”一章，亲手做一遍：先猜一猜，再拖一拖、跑一跑，看看对不对。",
        "en": "The chapter of Dive into Deep Learning on linear neural networks, hands on: predict, drag, run, see.",
    },
    "lessons": {"zh": "全部课程", "en": "All lessons"},
    "previous": {"zh": "上一课", "en": "Previous"},
    "next": {"zh": "下一课", "en": "Next"},
    "sections": {"zh": "笔记第 {sections} 节", "en": "In the notes: {sections}"},
    "contents": {"zh": "本课内容", "en": "In this lesson"},
    "present": {"zh": "演示", "en": "Present"},
    "keys": {"zh": "快捷键", "en": "shortcuts"},
    "keys_do": {
        "zh": "P：开始或结束演示；演示时 → ←（或 PageDown、PageUp）：下一节、上一节；Esc：结束演示",
        "en": "P: present, or end it. While presenting, → ← (or PageDown, PageUp): next, previous scene; Esc: end",
    },
    "marks": {
        "zh": "✓：已打开过；★：完成的任务数",
        "en": "✓ opened; ★ how many of its missions are done",
    },
    "code": {"zh": "库中的代码", "en": "The library's code"},
    "answer": {"zh": "答案", "en": "Answer"},
    "not_found": {"zh": "没有这一页。", "en": "There is no such page."},
}

# The words of a page's script
_INTERFACE: dict[str, dict[Language, str]] = {
    "present": _WORDS["present"],
    "present_end": {"zh": "结束演示", "en": "End presentation"},
    "play": {"zh": "播放", "en": "Play"},
    "pause": {"zh": "暂停", "en": "Pause"},
    "step": {"zh": "走一步", "en": "Step"},
    "reset": {"zh": "回到起点", "en": "Reset"},
    "pictures": {"zh": "图", "en": "Pictures"},
    "code": {"zh": "代码", "en": "Code"},
    "difference": {"zh": "相差", "en": "difference"},
    "tolerance": {"zh": "容许误差", "en": "tolerance"},
    "answer_first": {"zh": "先作答，再看图", "en": "Answer first, then look"},
    "sketch_first": {"zh": "先在这里画出你预想的曲线", "en": "First sketch here the curve that you expect"},
    "your_answer": {"zh": "你的答案", "en": "Your answer"},
    "answer_now": {"zh": "就这么答", "en": "That is my answer"},
    "show_me": {"zh": "直接看答案", "en": "Just show me"},
    "ask_again": {"zh": "再答一次", "en": "Answer again"},
    "no_answer": {"zh": "先给出一个答案。", "en": "Give an answer first."},
    "no_number": {
        "zh": "这不是一个数。可以写 0.5、1/2、50%、3e-5 或 log 10。",
        "en": "That is not a number. Write 0.5, 1/2, 50%, 3e-5 or log 10, for example.",
    },
    "looked": {"zh": "看过答案", "en": "seen"},
    "right": {
        "zh": "✓ 你的答案：{said}；正确答案：{truth}",
        "en": "✓ You said: {said}. The answer: {truth}.",
    },
    "wrong": {"zh": "你的答案：{said}；正确答案：{truth}", "en": "You said: {said}. The answer: {truth}."},
    "it_is": {"zh": "答案：{truth}", "en": "The answer: {truth}."},
    "sketch_beside": {"zh": "虚线是你画的。", "en": "The dashed curve is yours."},
    "mission_done": {"zh": "完成", "en": "done"},
    "again": {"zh": "再测一次", "en": "Measure again"},
    "recorded": {
        "zh": "这是预先测好的结果（{machine}）；用 onelayer lab 打开，可以在自己的电脑上重新测量。",
        "en": "Measured once, on {machine}; with onelayer lab it is measured on your own machine.",
    },
    "stopped": {
        "zh": "实验室已经停止。请在终端再运行一次 onelayer lab。",
        "en": "The lab has ended. Run onelayer lab again in a terminal.",
    },
    "pad": {"zh": "画板，28 × 28 像素", "en": "drawing pad, 28 × 28 pixels"},
    "pad_brush": {"zh": "笔的粗细", "en": "brush"},
    "pad_clear": {"zh": "清空", "en": "Clear"},
    "pad_file": {"zh": "选择图片……", "en": "Choose a picture …"},
    "pad_no_image": {"zh": "这个文件不是图片。", "en": "This file is not a picture."},
    "pad_too_large": {"zh": "这张图片太大了。", "en": "This picture is too large."},
    "pad_blank": {"zh": "这张图片是空白的。", "en": "This picture is blank."},
}


def interface_words(language: Language) -> dict[str, str]:
    """Return the words of a page's script."""
    return {name: words[language] for name, words in _INTERFACE.items()}


def language_in(path: str) -> Language | None:
    """Return the language in the path of an address, ``/zh/…``; None for one without."""
    parts = path.split("/")[:2]
    return next((language for language in LANGUAGES if language in parts), None)


def word(name: str, language: Language) -> str:
    """Return a word or a phrase of the interface.

    Raises:
        KeyError: if there is no such word.
    """
    return _WORDS[name][language]
