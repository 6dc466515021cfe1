namespace Bulkhead.Policy.Symbolic;

/// <summary>The two ends of a connection, as they are numbered here.</summary>
internal enum Side
{
    /// <summary>Who connects.</summary>
    Consumer,

    /// <summary>Who serves.</summary>
    Provider,
}

/// <summary>The numbers of what an end has one value of: its kind, its process, and each label key. Even for the consumer, odd for the provider.</summary>
internal static class Dimension
{
    /// <summary>An end that is no workload: an address of which nobody but a network speaks. (A value of <see cref="Kind"/>.)</summary>
    public const int Unmanaged = 1;

    /// <summary>An end that is a workload. (A value of <see cref="Kind"/>.)</summary>
    public const int Workload = 2;

    private const int FirstLabel = 6;

    /// <summary>Whether an end is a workload.</summary>
    public static int Kind(Side side) => (int)side;

    /// <summary>The path of the executable.</summary>
    public static int Path(Side side) => 2 + (int)side;

    /// <summary>The systemd unit.</summary>
    public static int Unit(Side side) => 4 + (int)side;

    /// <summary>The value of a label key.</summary>
    public static int Label(Side side, int key) => FirstLabel + (2 * key) + (int)side;

    /// <summary>The end that a dimension is of.</summary>
    public static Side SideOf(int dimension) => (Side)(dimension & 1);

    /// <summary>The same of the other end.</summary>
    public static int Opposite(int dimension) => dimension ^ 1;

    /// <summary>Whether it is of an end whatever its sockets: its kind, or a label.</summary>
    public static bool IsOfEnd(int dimension) => dimension < Path(Side.Consumer) || dimension >= FirstLabel;

    /// <summary>The label key of a dimension, or null.</summary>
    public static int? KeyOf(int dimension) => dimension < FirstLabel ? null : (dimension - FirstLabel) / 2;

    /// <summary>The number of dimensions with so many label keys.</summary>
    public static int Count(int keys) => FirstLabel + (2 * keys);
}
