using System.Buffers.Binary;
using System.Text;

namespace Bulkhead.Lab;

/// <summary>Enough of a protocol to tell that its server is really there: a question, and how to read the answer.</summary>
/// <param name="Name">The protocol's name.</param>
/// <param name="Question">What the client sends first; empty where the server speaks first.</param>
/// <param name="Read">The answer in words, or null while there are not enough bytes for one.</param>
/// <param name="IsReady">Whether an answer, in words, is that of a server that serves.</param>
internal sealed record WireProtocol(string Name, byte[] Question, Func<ReadOnlySpan<byte>, string?> Read, Func<string, bool> IsReady)
{
    /// <summary>A question that the server answers again and again on one connection; null if the protocol has none.</summary>
    public byte[]? Repeatable { get; init; }

    /// <summary>The server's greeting with its version.</summary>
    public static WireProtocol MariaDb { get; } = new("mariadb", [], bytes =>
        bytes.Length < 6 ? null
        : bytes[4] == 0xff ? "error " + Encoding.UTF8.GetString(bytes[7..])
        : bytes[5..].IndexOf((byte)0) is >= 0 and var end ? "MariaDB " + Encoding.ASCII.GetString(bytes[5..(5 + end)]) : null,
        answer => answer.StartsWith("MariaDB", StringComparison.Ordinal));

    /// <summary>A start-up message, answered by a request to authenticate.</summary>
    public static WireProtocol PostgreSql { get; } = new("postgresql", PostgreSqlStartup(), bytes =>
        bytes.Length < 9 ? null : bytes[0] == (byte)'R' ? "PostgreSQL asks to authenticate" : "error " + Encoding.UTF8.GetString(bytes[5..]).Replace('\0', ' '),
        answer => answer.StartsWith("PostgreSQL", StringComparison.Ordinal));

    /// <summary>PING, answered by PONG.</summary>
    public static WireProtocol Redis { get; } = new("redis", "PING\r\n"u8.ToArray(), FirstLine, answer => answer == "+PONG") { Repeatable = "PING\r\n"u8.ToArray() };

    /// <summary>The server's version.</summary>
    public static WireProtocol Ssh { get; } = new("ssh", [], FirstLine, answer => answer.StartsWith("SSH-2.0", StringComparison.Ordinal));

    /// <summary>A query over TCP for the name <c>dns.lab</c>; any reply will do.</summary>
    public static WireProtocol Dns { get; } = new(
        "dns",
        [0, 25, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, .. "dns"u8, 3, .. "lab"u8, 0, 0, 1, 0, 1],
        bytes => bytes.Length < 6 ? null : $"DNS reply, code {bytes[5] & 15}",
        _ => true);

    /// <summary>A GET of a path, answered by the status line.</summary>
    public static WireProtocol Http(string path) => new(
        "http",
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n"),
        FirstLine,
        answer => answer.Contains(" 200 ", StringComparison.Ordinal))
    {
        Repeatable = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: lab\r\n\r\n"),
    };

    private static string? FirstLine(ReadOnlySpan<byte> bytes) =>
        bytes.IndexOf((byte)'\n') is >= 0 and var end ? Encoding.UTF8.GetString(bytes[..end]).TrimEnd() : null;

    private static byte[] PostgreSqlStartup()
    {
        byte[] parameters = [.. "user\0probe\0database\0probe\0\0"u8];
        var message = new byte[8 + parameters.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), 0x00030000);
        parameters.CopyTo(message, 8);
        return message;
    }
}
