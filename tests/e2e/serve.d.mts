export interface Server {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

export function startDemo(): Promise<Server>;
export function startServer(
  app: string,
  more?: { port?: number; options?: string[]; folder?: string },
): Promise<Server>;
