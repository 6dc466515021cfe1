using System.Text.Json;
using Bulkhead.Agent.Linux;
using Bulkhead.Contracts.Host;

namespace Bulkhead.Agent.Blocks;

/// <summary>
/// One file a user in a folder that only root writes to: the file is the user's and readable by the user alone, so that the kernel decides who sees
/// what. The agent never reads them; whoever changes one's own file deceives oneself.
/// </summary>
/// <param name="folder">Such as <c>/run/bulkhead</c>.</param>
internal sealed class BlockFiles(string folder)
{
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const UnixFileMode OwnerReads = UnixFileMode.UserRead;

    /// <summary>Makes the folder, and removes what an earlier run left in it.</summary>
    /// <exception cref="IOException">Not possible.</exception>
    /// <exception cref="UnauthorizedAccessException">Not permitted.</exception>
    public void Clear()
    {
        Directory.CreateDirectory(folder, Passable);
        File.SetUnixFileMode(folder, Passable);
        foreach (var file in Directory.EnumerateFiles(folder, "blocks-*"))
        {
            File.Delete(file);
        }
    }

    /// <summary>Replaces a user's file; removes it if there are no blocks.</summary>
    /// <exception cref="IOException">Not possible.</exception>
    public void Write(uint uid, IReadOnlyList<Block> blocks)
    {
        var path = UserBlocks.PathOf(folder, uid);
        if (blocks.Count == 0)
        {
            File.Delete(path);
            return;
        }

        var temporary = path + ".new";
        File.Delete(temporary);
        using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerReads, BufferSize = 0 }))
        {
            file.Write(JsonSerializer.SerializeToUtf8Bytes(blocks, HostJson.Default.IReadOnlyListBlock));
            FileOwner.Change(file.SafeFileHandle, uid);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
