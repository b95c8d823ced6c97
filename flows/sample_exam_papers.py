"""The nine papers of the made-up joint exam: 3+1+2 with full marks, items, knowledge points and right options."""

from typing import NamedTuple

COMMON, ELECTIVES = ("语文", "数学", "英语"), ("化学", "生物", "政治", "地理")
TRACKS = {"physics": "物理", "history": "历史"}
FULL = {**dict.fromkeys(COMMON, 150), **dict.fromkeys((*TRACKS.values(), *ELECTIVES), 100)}
"""Full marks of each paper; the four electives are grade-scaled 等级赋分."""
KEY = "BDACBADC"
"""The right options of the first eight items of mathematics, whose options schools send."""


class Item(NamedTuple):
    """An item: full marks, knowledge point, how easy it is in logits, and how it is marked."""

    full: int
    point: str
    ease: float
    kind: str


def _items(kind: str, full: int, points: str) -> list[Item]:
    return [Item(full, point, float(ease), kind) for point, ease in (each.split("/") for each in points.split())]


ITEMS = {
    "语文": [
        *_items("open", 19, "信息类文本阅读/0.7"),
        *_items("open", 16, "文学类文本阅读/0.4"),
        *_items("open", 20, "文言文阅读/0.3"),
        *_items("open", 9, "古代诗歌鉴赏/0.2"),
        *_items("open", 6, "名句默写/1.4"),
        *_items("open", 20, "语言文字运用/0.8"),
        *_items("open", 60, "写作/1.0"),
    ],
    "数学": [
        *_items("one", 5, "集合/2.2 复数/1.9 平面向量/1.3 数列/0.9 三角函数/0.6 立体几何/0.4 函数性质/0 圆锥曲线/-0.6"),
        *_items("some", 6, "统计/0.9 三角函数/0.1 导数/-0.7"),
        *_items("one", 5, "排列组合/0.9 直线与圆/0.3 概率/-0.5"),
        *_items("open", 13, "解三角形/0.6"),
        *_items("open", 15, "立体几何/0.2 数列/-0.2"),
        *_items("open", 17, "导数/-0.9 圆锥曲线/-1.3"),
    ],
    "物理": [
        *_items("one", 4, "运动学/1.5 牛顿定律/1.1 万有引力/0.7 静电场/0.5 振动与波/0.4 恒定电流/0.1 电磁感应/-0.3"),
        *_items("some", 6, "机械能/0.3 静电场/-0.2 磁场/-0.7"),
        *_items("open", 6, "力学实验/0.6"),
        *_items("open", 9, "电学实验/0"),
        *_items("open", 10, "牛顿定律/0.4"),
        *_items("open", 13, "机械能/-0.4"),
        *_items("open", 16, "磁场/-1.1"),
    ],
}
"""The items of three papers, in their order; full marks of each paper's add up to its own."""

LINES = {("physics", "特控线"): 520, ("physics", "本科线"): 430, ("history", "特控线"): 540, ("history", "本科线"): 450}
"""Totals by track."""
